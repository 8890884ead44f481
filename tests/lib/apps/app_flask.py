# SPDX-License-Identifier: Apache-2.0
# A Flask application: gunicorn app_flask:app
from flask import Flask, request

app = Flask(__name__)


@app.route("/hello", methods=["GET", "POST"])
def hello():
    return f"{len(request.get_data())}\n"


@app.route("/large")
def large():
    return "x" * 300000
