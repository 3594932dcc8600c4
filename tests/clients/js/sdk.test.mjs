// The AWS SDK for JavaScript, v3. It finds the emulator through AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI.
import {
    ApiGatewayManagementApiClient,
    DeleteConnectionCommand,
    GetConnectionCommand,
    GoneException,
    PayloadTooLargeException,
    PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from './client.mjs';

const backend = new ApiGatewayManagementApiClient({});
const post = (ConnectionId, Data) => backend.send(new PostToConnectionCommand({ ConnectionId, Data }));
const get = (ConnectionId) => backend.send(new GetConnectionCommand({ ConnectionId }));
const remove = (ConnectionId) => backend.send(new DeleteConnectionCommand({ ConnectionId }));

test('PostToConnection delivers text', async () => {
    const client = await connect();
    const reply = await post(await client.connectionId(), 'from the backend');
    assert.equal(reply.$metadata.httpStatusCode, 200);
    assert.equal(await client.receive(), 'from the backend');
    await client.close();
});

test('GetConnection shows dates and identity', async () => {
    const client = await connect({ headers: { 'User-Agent': 'browser/1.0' } });
    const reply = await get(await client.connectionId());
    assert.ok(reply.ConnectedAt instanceof Date);
    assert.ok(reply.LastActiveAt >= reply.ConnectedAt);
    assert.deepEqual(reply.Identity, { SourceIp: '127.0.0.1', UserAgent: 'browser/1.0' });
    await client.close();
});

test('DeleteConnection closes the client with 1000', async () => {
    const client = await connect();
    const reply = await remove(await client.connectionId());
    assert.equal(reply.$metadata.httpStatusCode, 204);
    assert.deepEqual(await client.closed, { code: 1000, reason: 'Connection Closed Normally' });
});

test('everything on a closed connection is a GoneException', async () => {
    const client = await connect();
    const id = await client.connectionId();
    await remove(id);
    await client.closed;
    for (const call of [() => post(id, 'late'), () => get(id), () => remove(id)])
        await assert.rejects(call, (error) => error instanceof GoneException && error.$metadata.httpStatusCode === 410);
});

test('a payload over 128 KB is a PayloadTooLargeException', async () => {
    const client = await connect();
    const id = await client.connectionId();
    await assert.rejects(() => post(id, 'x'.repeat(131073)), PayloadTooLargeException);
    await client.close();
});

test('an id that is none is a BadRequestException', async () => {
    await assert.rejects(() => post('short', 'x'), { name: 'BadRequestException', message: 'Invalid connectionId: short' });
});
