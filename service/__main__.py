"""`python -m service`: start the service. `--help` lists the settings."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> int:
    # Imports take a moment; inside, so that Ctrl-C during them is quiet too.
    import logging

    from pydantic import ValidationError

    from service.app import create_app
    from service.server import Server
    from service.settings import Settings

    try:
        settings = Settings.from_command_line()
    except ValidationError as error:
        for problem in error.errors():
            name = "-".join(str(part) for part in problem["loc"]).replace("_", "-")
            print(f"--{name}: {problem['msg']}.", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("service").info("Loading the model from %s", settings.bundle)
    server = Server(create_app(settings), settings)
    server.run()
    return server.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
