#!/usr/bin/env bash
# What surprised: huggingface_hub lets everybody read the files that it puts into its cache, as the umask says, but only its owner the list of a commit's files, trees/COMMIT.json.
# Version: huggingface_hub 1.33.0
# Why it matters here: that list says whether the cache holds all of a model; other users of a shared cache ask the Hub each time, and without a connection cannot tell.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "huggingface_hub==1.33.0"

cat > "$work/modes.py" <<'PYTHON'
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT, BODY = "0123456789abcdef0123456789abcdef01234567", b"{}"
OID = "9e26dfeeb6e641a33dae4961196235bdb965b21b"


class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        listed = [{"type": "file", "path": "config.json", "size": len(BODY), "oid": OID}]
        body = json.dumps(listed).encode() if "/tree/" in self.path else BODY
        self.send_response(200)
        for name, value in {
            "Content-Length": str(len(body)),
            "Content-Type": "application/json",
            "ETag": f'"{OID}"',
            "X-Repo-Commit": COMMIT,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


os.umask(0o022)
server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
cache = Path(sys.argv[1])
os.environ |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}", "HF_HOME": str(cache)}
from huggingface_hub import snapshot_download

folder = Path(snapshot_download("a/b", revision=COMMIT))
(listed,) = folder.parents[1].glob("trees/*.json")
for path in ((folder / "config.json").resolve(), listed):
    print(f"{path.stat().st_mode & 0o777:o}", path.parent.name)
PYTHON

seen=$("$work/venv/bin/python" "$work/modes.py" "$work/cache" 2> "$work/errors")
echo "expected: 644 for both; seen:"
echo "$seen"
test "$seen" = $'644 blobs\n600 trees'
