#!/usr/bin/python3
"""Pushes prices to the clients of dashboard.c: each second, to each client those that it has subscribed to.

    apigw exec --port 3001 routes.json -- ./prices.py [SECONDS]

serves the dashboard while the feed runs. The prices are made up: a walk at random. It is the code that one would run on
AWS, but for `subscriptions`, which would scan a table. It needs boto3 (Debian: apt-get install python3-boto3).
"""

import json
import os
import random
import subprocess
import sys
import time

import boto3

SYMBOLS = ("ACME", "HOOL", "INIT", "UMBR")


def subscriptions():
    """Connection id -> symbols: what the handlers keep."""
    command = ["apigw", "collections", "subscriptions"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode != 0 and "nothing is kept" not in listed.stderr:  # which it is while nobody has subscribed
        raise SystemExit(listed.stderr.strip())
    documents = map(json.loads, listed.stdout.splitlines())
    return {document["id"]: document["content"]["symbols"] for document in documents}


def push(api, connection_id, prices):
    """One message to one client, if it is there."""
    try:
        api.post_to_connection(ConnectionId=connection_id, Data=json.dumps({"prices": prices}).encode())
    except api.exceptions.GoneException:
        pass  # its $disconnect is on the way, and forgets it
    except api.exceptions.LimitExceededException:
        print(f"{connection_id} does not read: it misses a price", file=sys.stderr)


def tick(api, prices):
    for symbol in prices:
        prices[symbol] = round(max(1.0, prices[symbol] * random.uniform(0.98, 1.02)), 2)
    for connection_id, symbols in subscriptions().items():
        wanted = {symbol: prices[symbol] for symbol in symbols if symbol in prices}
        if wanted:
            push(api, connection_id, wanted)


def main():
    interval_s = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    api = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["APIGW_ENDPOINT"])
    prices = dict.fromkeys(SYMBOLS, 100.0)
    while True:
        tick(api, prices)
        time.sleep(interval_s)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
