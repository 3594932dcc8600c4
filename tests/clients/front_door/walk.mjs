// ws, the AWS SDK for JavaScript and a handler that was written for AWS, at each place of the file PLACES.
import {
    ApiGatewayManagementApiClient,
    DeleteConnectionCommand,
    GetConnectionCommand,
    GoneException,
    PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { connectTo } from '../js/client.mjs';
import { handler } from './handler.mjs';

const places = JSON.parse(readFileSync(process.env.PLACES, 'utf8'));
const code = (name) => ({ name });

async function theHandlerPosts(place, event, client) {
    if (!place.isFoundByHandlers)
        return assert.rejects(() => handler(event), code('NotFoundException'));
    assert.equal((await handler(event)).statusCode, 200);
    assert.equal(await client.receive(), 'from the handler');
}

async function theSdkManages(endpoint, ConnectionId, client, sourceIp) {
    const backend = new ApiGatewayManagementApiClient({ endpoint });
    assert.equal((await backend.send(new GetConnectionCommand({ ConnectionId }))).Identity.SourceIp, sourceIp);
    await backend.send(new PostToConnectionCommand({ ConnectionId, Data: 'ä from the SDK' }));
    assert.equal(await client.receive(), 'ä from the SDK');
    await backend.send(new DeleteConnectionCommand({ ConnectionId }));
    assert.deepEqual(await client.closed, { code: 1000, reason: 'Connection Closed Normally' });
    await assert.rejects(() => backend.send(new GetConnectionCommand({ ConnectionId })), GoneException);
}

async function signaturesCount(place, ConnectionId) {
    const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: 'other' };
    const backend = new ApiGatewayManagementApiClient({ endpoint: place.endpoint, credentials, maxAttempts: 1 });
    const get = () => backend.send(new GetConnectionCommand({ ConnectionId }));
    if (place.isSigned)
        await assert.rejects(get, code('InvalidSignatureException'));
    else
        await get();
}

async function visit(place, client) {
    const event = JSON.parse(await client.ask({ action: 'whoami' }));
    const { connectionId, identity } = event.requestContext;
    for (const [name, value] of Object.entries(place.context))
        assert.equal(event.requestContext[name], value, name);
    assert.equal(identity.sourceIp, place.sourceIp);
    await signaturesCount(place, connectionId);
    await theHandlerPosts(place, event, client);
    await theSdkManages(place.endpoint, connectionId, client, place.sourceIp);
}

for (const place of places) {
    test(place.websocket, async () => {
        const client = await connectTo(place.websocket);
        try {
            await visit(place, client);
            console.log('visited', place.websocket);
        } finally {
            client.socket.terminate();
        }
    });
}
