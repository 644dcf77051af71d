"""Strings that must stay text: 120 for pages, 60 for terminals."""

from __future__ import annotations

_ACTS = "window.pwn=1"

_VECTORS = (
    f"<script>{_ACTS}</script>",
    f"<img src=x onerror={_ACTS}>",
    f"<svg onload={_ACTS}>",
    f"<svg><script>{_ACTS}</script></svg>",
    f"<svg><animate onbegin={_ACTS} attributeName=x dur=1s>",
    f"<svg><a xlink:href=javascript:{_ACTS}><text>x</text></a></svg>",
    f"<svg><foreignObject><body onload={_ACTS}></foreignObject></svg>",
    f"<body onload={_ACTS}>",
    f"<iframe srcdoc='<script>parent.{_ACTS}</script>'></iframe>",
    f"<iframe src=javascript:parent.{_ACTS}></iframe>",
    f"<object data=javascript:{_ACTS}></object>",
    f"<embed src=javascript:{_ACTS}>",
    f"<a href=javascript:{_ACTS} autofocus onfocus={_ACTS}>x</a>",
    f"<input autofocus onfocus={_ACTS}>",
    f"<details open ontoggle={_ACTS}>x</details>",
    f"<video><source onerror={_ACTS}></video>",
    f"<audio src=x onerror={_ACTS}>",
    f"<marquee onstart={_ACTS}>x</marquee>",
    f"<math><mtext><img src=x onerror={_ACTS}></mtext></math>",
    f"<form><button formaction=javascript:{_ACTS}>x</button></form>",
    f"<meta http-equiv=refresh content=0;url=javascript:{_ACTS}>",
    "<base href=http://127.0.0.1:9/>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<img src=http://127.0.0.1:9/x.png>",
    "<style>@import 'http://127.0.0.1:9/x.css'</style>",
    "<style>*{background:url(http://127.0.0.1:9/x)}</style>",
    f"<!--<img src='--><img src=x onerror={_ACTS}>'>",
    f"<![CDATA[<img src=x onerror={_ACTS}>]]>",
    f"+ADw-script+AD4-{_ACTS}+ADw-/script+AD4-",
    f"&lt;script&gt;{_ACTS}&lt;/script&gt;",
    f"&#60;script&#62;{_ACTS}&#60;/script&#62;",
    f"\\u003cscript\\u003e{_ACTS}\\u003c/script\\u003e",
    f"${{{_ACTS}}}",
    f"{{{{constructor.constructor('{_ACTS}')()}}}}",
    f"<template><script>{_ACTS}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={_ACTS}>'>",
    f"<textarea></textarea><img src=x onerror={_ACTS}>",
    f"<title></title><script>{_ACTS}</script>",
    f"<dialog open oncancel={_ACTS}><script>alert(1)</script></dialog>",
    f"<script src=data:text/javascript,{_ACTS}></script>",
)
"""Each sets ``window.pwn``, opens a dialog, or asks for something outside, if it is ever markup."""

PAGE_STRINGS = tuple(
    f"{before}{vector}"
    for vector in _VECTORS
    for before in ("", "\"'><", "</script></style>-->]]>")
)
assert len(set(PAGE_STRINGS)) == 120

_CONTROLS = (
    "\x1b[31mred",
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2K",
    "\x1b[10;10H",
    "\x1b[?1049h",
    "\x1b[?25l",
    "\x1b[6n",
    "\x1b[>c",
    "\x1b[8m",
    "\x1b[20t",
    "\x1b[3J",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]1337;File=:AAAA\x07",
    "\x1b]4;1;?\x07",
    "\x1bP+q544e\x1b\\",
    "\x1bPq#0\x1b\\",
    "\x1b_Gi=1\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bX string\x1b\\",
    "\x1bc",
    "\x1b(0",
    "\x1b#8",
    "\x1b=\x1b>",
    "\x1b7\x1b8",
    "\x1bM",
    "\x1bN\x1bO",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x85\x84",
    "\x07\x07",
    "\x08\x08\x08x",
    "over\rwritten",
    "\x0b\x0c",
    "\x0e\x0f",
    "\x00\x01\x02",
    "\x7f",
    "\u202eright to left",
    "\u2066isolate\u2069",
    "\u2028line\u2029",
    "\ufeff",
)
_MARKUP = (
    "[/b]",
    "[/]",
    "[red]x",
    "[bold red on blue]x[/bold red on blue]",
    "[link=file:///etc/passwd]x[/link]",
    "[link=javascript:alert(1)]x",
    "[@click=app.bell]x[/]",
    "[[x]]",
    "\\[x]",
    "[not a style at all]",
    ":skull:",
    "[b][i][u]",
    "[blink]x[/blink]",
    "[reverse]x",
    "[conceal]x",
    "[/link]",
)
TERMINAL_STRINGS = (*_CONTROLS, *_MARKUP)
"""Escape sequences, control and direction characters, and the markup of rich."""
assert len(set(TERMINAL_STRINGS)) == 60
