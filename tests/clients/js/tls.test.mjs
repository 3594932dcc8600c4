// ws and the AWS SDK for JavaScript over wss and https, as code for AWS is written. What they need to trust the
// certificate is in the environment that `apigw exec` makes.
import {
    ApiGatewayManagementApiClient,
    GetConnectionCommand,
    PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import assert from 'node:assert/strict';
import https from 'node:https';
import test from 'node:test';
import WebSocket from 'ws';
import { connectTo, url } from './client.mjs';

const secure = url.replace(/^ws:/, 'wss:');

const requestContextOf = async (client) => JSON.parse(await client.ask({ action: 'whoami' })).requestContext;

test('ws speaks wss', async () => {
    const client = await connectTo(secure);
    assert.equal(await client.ask('hello'), 'hello');
    assert.equal(await client.ask('x'.repeat(30_000)), 'x'.repeat(30_000));
    assert.equal((await client.close(1000)).code, 1000);
});

test('the SDK posts to https://${domainName}/${stage}', async () => {
    const client = await connectTo(secure);
    const { domainName, stage, connectionId: ConnectionId } = await requestContextOf(client);
    const backend = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}`, maxAttempts: 1 });
    await backend.send(new PostToConnectionCommand({ ConnectionId, Data: 'ä from the backend' }));
    assert.equal(await client.receive(), 'ä from the backend');
    const { Identity } = await backend.send(new GetConnectionCommand({ ConnectionId }));
    assert.match(Identity.SourceIp, /^(127\.0\.0\.1|::1)$/);
    await client.close();
});

test('the name of the API, as on AWS, is in the certificate', async () => {
    const { port, pathname } = new URL(secure);
    const plain = await connectTo(url);
    const { apiId } = await requestContextOf(plain);
    const { hostname } = new URL(url);
    const address = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/[[\]]/g, '');
    const lookup = (name, options, done) => {
        const found = { address, family: address.includes(':') ? 6 : 4 };
        return options.all ? done(null, [found]) : done(null, found.address, found.family);
    };
    const client = await connectTo(`wss://${apiId}.execute-api.us-east-1.localhost:${port}${pathname}`, { lookup });
    assert.equal(await client.ask('hello'), 'hello');
    await Promise.all([client.close(), plain.close()]);
});

test('who does not trust the CA is refused', async () => {
    const socket = new WebSocket(secure, { ca: [] });
    await assert.rejects(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)), /certificate|issuer/);
});

test('node:https gets an answer', async () => {
    const status = await new Promise((resolve, reject) =>
        https.get(secure.replace(/^wss:/, 'https:'), (response) => resolve(response.resume().statusCode)).on('error', reject));
    assert.equal(status, 426);
});
