// The npm package ws, with its default options (it offers permessage-deflate).
import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from './client.mjs';

test('a message is echoed', async () => {
    const client = await connect();
    assert.equal(await client.ask('hello'), 'hello');
    await client.close();
});

test('messages of one client come back whole, whatever is in them', async () => {
    const client = await connect();
    for (const text of ['', 'ä€😀', '"\\\n', 'x'.repeat(32768)])
        assert.equal(await client.ask(text), text);
    await client.close();
});

test('a ping is answered', async () => {
    const client = await connect();
    const pong = new Promise((resolve) => client.socket.on('pong', (data) => resolve(data.toString())));
    client.socket.ping('are you there');
    assert.equal(await pong, 'are you there');
    await client.close();
});

test('the close is clean', async () => {
    const client = await connect();
    assert.deepEqual((await client.close(1000, 'bye')).code, 1000);
});

test('a message of one frame over 32 KB closes with 1009', async () => {
    const client = await connect();
    client.send('x'.repeat(32769));
    assert.deepEqual(await client.closed, { code: 1009, reason: 'Message too big' });
});

test('a buffer is sent as a binary frame and closes with 1003', async () => {
    const client = await connect();
    client.socket.send(Buffer.from('binary'));
    assert.equal((await client.closed).code, 1003);
});

test('a fragmented message is one message', async () => {
    const client = await connect();
    client.socket.send('one ', { fin: false });
    client.socket.send('message', { fin: true });
    assert.equal(await client.receive(), 'one message');
    await client.close();
});
