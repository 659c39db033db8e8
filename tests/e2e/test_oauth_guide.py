"""The guide to OAuth, as printed: an empty database, `pgsluice up`, a person at the vendor's page, records."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from e2e.oauth import SECRET, one, vendor
from e2e.polling import KEY_TEXT, until
from fakes.oauth import Browser
from fakes.stripe import StripeFake

from pgsluice.db.sources import ROOT

PAGE = ROOT / "docs/how-to/oauth.md"
BOOTSTRAP = "a bootstrap token, long enough"


@contextmanager
def up(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """`pgsluice up`; its address."""
    program = Path(sys.executable).with_name("pgsluice")
    arguments = [program, "--listen", "127.0.0.1:0", "--log-format", "json", "--poll-interval", "0.5", "up"]
    log = folder / "up.log"
    with log.open("w") as file:
        running = subprocess.Popen(arguments, env=environment, cwd=folder, stdout=file, stderr=file)
    try:
        found = until(lambda: re.search(r'"address":\s*"([^"]+)"', log.read_text()) or running.poll() is not None, 120)
        assert isinstance(found, re.Match), log.read_text()
        yield f"http://{found[1]}"
    finally:
        running.terminate()
        running.wait(60)


@pytest.mark.timeout(400)
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_guide_does_what_it_says(db: str, tmp_path: Path) -> None:
    snippets = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(snippets) == 6
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "my-app.private-key.pem").write_bytes(key)
    with StripeFake() as stripe, vendor(stripe) as fake:
        stripe.seed(customers=3)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
            "PGSLUICE_BOOTSTRAP_TOKEN": BOOTSTRAP,
            "TOKEN": BOOTSTRAP,
            "COLUMNS": "300",
            "CLIENT_ID": fake.client_id,
            "CLIENT_SECRET": SECRET,
        }
        with up(environment, tmp_path) as api:
            environment["API"] = api
            environment["PGSLUICE_LISTEN"] = api.removeprefix("http://")
            fake.redirect_uris = [f"{api}/v1/oauth/callback"]

            def run(script: str, status: int = 0) -> str:
                script = script.replace("curl -s ", "curl -sS --fail-with-body --noproxy '*' ")
                script = script.replace("--provider stripe --client-id", f"--provider stripe --base-url {fake.url} --client-id")
                done = subprocess.run(
                    ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
                )
                assert done.returncode == status, done.stdout + done.stderr
                return done.stdout + done.stderr

            assert "https://sync.example.com/v1/oauth/callback" in run(snippets[0])
            assert f"{api}/v1/oauth/callback" in run(snippets[1])
            start = json.loads(run(snippets[2]))["start_url"]
            page = Browser().follow(start)
            assert page.url.startswith("https://app.example.com/connected?credential_id=")
            assert page.query["state"] == "whatever you want to have back"
            environment["CREDENTIAL"] = page.query["credential_id"]
            run(snippets[3])
            until(lambda: one(db, "select count(*) from sluice.records") == 3, 60)
            assert one(db, "select metadata ->> 'tenant' from sluice.credentials") == "7"
            run(snippets[4])
            kept = "select kind, account, oauth_app_id from sluice.credentials where credential_id = 'acme-github'"
            assert one(db, f"select concat_ws(' ', kind, account, oauth_app_id) from ({kept}) as c") == "github_app 4711 my-github"
            said = tmp_path / "said"
            with said.open("w") as file:
                command = ["bash", "-euc", snippets[5]]
                waiting = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL)
            fake.signed_in = "acct_2"
            found = until(lambda: re.search(r"http://\S+/v1/oauth/start/\w+", said.read_text().replace("\n", "")), 60)
            assert "The account is connected" in Browser().follow(found[0]).body
            assert waiting.wait(60) == 0, said.read_text()
            assert "acct_2" in said.read_text()
