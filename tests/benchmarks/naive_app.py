"""How films are usually streamed with Flask, for comparison."""

import os

from flask import Flask, Response, send_file

app = Flask(__name__)


@app.get("/film")
def film() -> Response:
    return send_file(os.environ["NAIVE_FILE"], conditional=True, mimetype="video/mp4")
