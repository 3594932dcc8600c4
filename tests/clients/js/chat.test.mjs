// The sample chat, with two ws clients.
import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from './client.mjs';

async function receiveWith(client, text) {
    for (;;) {
        const message = await client.receive();
        if (message.includes(text)) return message;
    }
}

test('what one says, the other hears', async () => {
    const [ada, bob] = [await connect(), await connect()];
    await ada.ask({ action: 'join', name: 'ada' });
    await bob.ask({ action: 'join', name: 'bob' });
    ada.send({ action: 'say', text: 'hello bob' });
    assert.match(await receiveWith(bob, 'hello bob'), /ada/);
    await Promise.all([ada.close(), bob.close()]);
});
