"""What keeps the links of a cluster to itself: certificates of a throw-away authority for TLS, a secret for SRT."""

import pathlib
import secrets
import subprocess

TOOLS = pathlib.Path(__file__).resolve().parents[1]


def settings(transports, folder):
    """The settings of every node and dispatcher for these transports. The files that they name are made in `folder`."""
    found, folder = {}, pathlib.Path(folder).resolve()
    if "tls" in transports:
        made = folder / "certificates"
        if not made.exists():
            subprocess.run([TOOLS / "certificates", made, "node"], check=True, stdout=subprocess.DEVNULL)
        found |= {
            "tls.certificates": made / "server.pem", "tls.keys": made / "server.key", "tls.authorities": made / "ca.pem"}
    if "srt" in transports:
        secret = folder / "secret"
        secret.write_text(secrets.token_hex(32))
        found["relay.secret_file"] = secret
    return found
