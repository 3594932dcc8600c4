// A WebSocket client whose messages are awaited one by one; used by the tests beside it.
import WebSocket from 'ws';

export const url = process.env.APIGW_WEBSOCKET_URL;

export const connect = (...options) => connectTo(url, ...options);

export async function connectTo(target, ...options) {
    const socket = new WebSocket(target, ...options);
    const messages = [];
    const waiting = [];
    const closed = new Promise((resolve) =>
        socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('message', (data) => {
        const text = data.toString();
        if (waiting.length) waiting.shift()(text);
        else messages.push(text);
    });
    await new Promise((resolve, reject) => {
        socket.on('open', resolve);
        socket.on('error', reject);
    });
    return {
        socket,
        closed,
        send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
        receive: () => (messages.length ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve))),
        async ask(message) {
            this.send(message);
            return this.receive();
        },
        async connectionId() {
            return JSON.parse(await this.ask({ action: 'whoami' })).requestContext.connectionId;
        },
        close(...reason) {
            socket.close(...reason);
            return closed;
        },
    };
}
