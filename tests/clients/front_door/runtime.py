"""Runs handler.py once, as Lambda's runtime does: the event is on standard input, the result goes to standard output."""

import json
import sys

import handler

json.dump(handler.lambda_handler(json.load(sys.stdin), None), sys.stdout)
