"""What the nodes of a cluster talk over: plain TCP, TLS with certificates of a throw-away authority, or SRT."""

import pathlib
import secrets
import subprocess

TOOLS = pathlib.Path(__file__).resolve().parents[1]
NAMES = ("tcp", "tls", "srt")


class Transport:
    """Settings of nodes and dispatchers, and how each is dialled. Files that it needs are made in `folder`."""

    def __init__(self, name, folder):
        self.name = name
        self.settings = {}
        if name == "tls":
            made = pathlib.Path(folder).resolve() / "certificates"
            if not made.exists():
                subprocess.run([TOOLS / "certificates", made, "node"], check=True, stdout=subprocess.DEVNULL)
            self.settings = {
                "tls.certificates": made / "server.pem", "tls.keys": made / "server.key", "tls.authorities": made / "ca.pem"}
        elif name == "srt":
            secret = pathlib.Path(folder).resolve() / "secret"
            secret.write_text(secrets.token_hex(32))
            self.settings = {"relay.secret_file": secret}

    def listening(self, program, name):
        """The setting that makes a program listen on its port `name`, which is `relay` or `dispatch` or another."""
        key = f"{name}.listen"
        if name == "relay" and self.name != "tcp":
            key = f"relay.{self.name}_listen"
        if name == "dispatch" and self.name == "tls":
            # The plain port has a default.
            return {"dispatch.tls_listen": program.endpoint(name), key: "off"}
        return {key: program.endpoint(name)}

    def address(self, program, name):
        """How a node dials that port of a program. Dispatchers are not reached over SRT."""
        plain = self.name == "tcp" or (name == "dispatch" and self.name == "srt")
        return ("" if plain else f"{self.name}://") + program.endpoint(name)
