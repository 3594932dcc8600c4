// The handlers of ../bench_plugin.c, for serverless-offline: each does as little as its scenario allows.
"use strict";

const http = require("node:http");

const SLOW_MS = 10;
const port = Number(process.env.BENCH_WEBSOCKET_PORT);

// As quick as it can be made: one kept-alive connection for each post on its way, no SDK in between.
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });

exports.connect = async () => ({ statusCode: 200 });
exports.disconnect = async () => ({ statusCode: 200 });
exports.echo = async (event) => ({ statusCode: 200, body: event.body });
exports.whoami = async (event) => ({ statusCode: 200, body: event.requestContext.connectionId });

// Blocks its thread, as the handler in C does.
exports.slow = async (event) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_MS);
    return { statusCode: 200, body: event.body };
};

function post(id, data) {
    return new Promise((resolve, reject) => {
        const options = {
            agent,
            host: "127.0.0.1",
            port,
            path: `/@connections/${encodeURIComponent(id)}`,
            method: "POST",
            headers: { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(data) },
        };
        const request = http.request(options, (response) => {
            response.resume();
            response.on("end", () => resolve(response.statusCode === 200 || response.statusCode === 204));
        });
        request.on("error", reject);
        request.end(data);
    });
}

exports.fanout = async (event) => {
    const { ids, data } = JSON.parse(event.body);
    const delivered = await Promise.all(ids.split(",").map((id) => post(id, data)));
    return { statusCode: 200, body: String(delivered.filter(Boolean).length) };
};
