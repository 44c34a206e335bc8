"""How films are usually streamed with Flask, for comparison."""

import os
from functools import cache
from typing import Any

import boto3
from flask import Flask, Response, request, send_file

app = Flask(__name__)


@app.get("/hello")
def hello() -> str:
    return "hello"


@app.get("/film")
def film() -> Response:
    return send_file(os.environ["NAIVE_FILE"], conditional=True, mimetype="video/mp4")


@app.get("/bucket")
def bucket() -> Response:
    asked = {"Range": request.headers["Range"]} if "Range" in request.headers else {}
    found = _client().get_object(Bucket="bucket", Key="film.mp4", **asked)
    body = found["Body"].iter_chunks(65_536)
    length = str(found["ContentLength"])
    return Response(body, 206 if asked else 200, {"Content-Length": length}, mimetype="video/mp4")


@cache
def _client() -> Any:
    return boto3.client(
        "s3",
        endpoint_url=os.environ["NAIVE_STORE"],
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )
