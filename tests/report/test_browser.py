"""The watcher sees what it is there to see: planted errors, requests, dialogs."""

from __future__ import annotations

import http.server
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.browser import Visitor

NOISY = """<!doctype html><title>noisy</title>
<script>
alert("hello"); console.error("planted"); fetch("http://127.0.0.1:9/x").catch(() => {});
setTimeout(() => { throw new Error("thrown"); });
</script>"""


def test_a_quiet_file_passes_in_the_scheme_and_width_that_are_asked_for(
    visit: Visitor, tmp_path: Path
) -> None:
    file = tmp_path / "quiet.html"
    file.write_text("<!doctype html><title>quiet</title><p>Nothing.")
    seen = visit(file, width=390, scheme="dark", fragment="here")
    assert seen.page.evaluate("innerWidth") == 390
    assert seen.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert seen.page.url.endswith("#here")
    seen.check()


def test_errors_outside_requests_and_dialogs_are_seen(visit: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "noisy.html"
    file.write_text(NOISY)
    seen = visit(file, wait="networkidle")
    assert seen.dialogs == ["hello"]
    assert seen.outside == ["http://127.0.0.1:9/x"]
    assert any("planted" in error for error in seen.errors)
    assert any("thrown" in error for error in seen.errors)
    with pytest.raises(AssertionError):
        seen.check()


def test_a_server_of_this_machine_is_not_outside(visit: Visitor, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>t</title><img src='a.png' alt=''>")
    (tmp_path / "a.png").write_bytes(b"")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        seen = visit(f"http://127.0.0.1:{server.server_port}/index.html")
        server.shutdown()
        thread.join()
    assert not seen.outside
