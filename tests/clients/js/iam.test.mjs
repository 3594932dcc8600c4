// Signatures of the AWS SDK for JavaScript: its client's, and URLs presigned as a browser has to. The credentials are
// in the environment.
import { Sha256 } from '@aws-crypto/sha256-js';
import {
    ApiGatewayManagementApiClient,
    DeleteConnectionCommand,
    GetConnectionCommand,
    GoneException,
    PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { SignatureV4 } from '@smithy/signature-v4';
import assert from 'node:assert/strict';
import test from 'node:test';
import { connect, connectTo, url } from './client.mjs';

const credentials = {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
    sessionToken: process.env.AWS_SESSION_TOKEN,
};
const endpoint = new URL(url);
const unknownId = 'AAAAAAAAAAAAAAA=';

const signerOf = (changes = {}) => new SignatureV4({
    service: 'execute-api',
    region: 'us-east-1',
    sha256: Sha256,
    credentials: { ...credentials, ...changes },
});

const request = (query) => ({
    method: 'GET',
    protocol: 'ws:',
    hostname: endpoint.hostname,
    port: Number(endpoint.port),
    path: endpoint.pathname,
    query,
    headers: { host: endpoint.host },
});

const format = (query) => Object.entries(query)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');

async function presign(query, options, signer = signerOf()) {
    const signed = await signer.presign(request(query), options);
    return `${url}?${format(signed.query)}`;
}

const backendOf = (changes = {}) =>
    new ApiGatewayManagementApiClient({ maxAttempts: 1, credentials: { ...credentials, ...changes } });

test('a presigned URL opens a connection', async () => {
    const client = await connectTo(await presign({ room: 'a b', q: "ä/€*'()" }, { expiresIn: 60 }));
    assert.equal(await client.ask('hello'), 'hello');
    await client.close();
});

test('signed headers open a connection', async () => {
    const signed = await signerOf().sign(request({}));
    const client = await connect({ headers: signed.headers });
    assert.equal(await client.ask('hello'), 'hello');
    await client.close();
});

test('without a signature, or with a wrong one, there is no connection', async () => {
    const wrong = await presign({}, {}, signerOf({ secretAccessKey: 'other' }));
    const old = await presign({}, { expiresIn: 60, signingDate: new Date(Date.now() - 120_000) });
    for (const target of [url, wrong, old, `${await presign({})}&more=1`])
        await assert.rejects(() => connectTo(target), /403/);
});

test('the client signs what it sends', async () => {
    const client = await connectTo(await presign({}));
    const backend = backendOf();
    const ConnectionId = await client.connectionId();
    await backend.send(new PostToConnectionCommand({ ConnectionId, Data: 'ä from the backend' }));
    assert.equal(await client.receive(), 'ä from the backend');
    assert.equal((await backend.send(new GetConnectionCommand({ ConnectionId }))).Identity.SourceIp, '127.0.0.1');
    await backend.send(new DeleteConnectionCommand({ ConnectionId }));
    assert.equal((await client.closed).code, 1000);
    await assert.rejects(() => backend.send(new GetConnectionCommand({ ConnectionId })), GoneException);
});

test('what is wrong with a signature is the name of the error', async () => {
    const wrong = [
        [{ secretAccessKey: 'other' }, 'InvalidSignatureException'],
        [{ accessKeyId: 'AKIDOTHER' }, 'UnrecognizedClientException'],
        [{ sessionToken: 'other' }, 'UnrecognizedClientException'],
    ];
    for (const [changes, name] of wrong)
        await assert.rejects(() => backendOf(changes).send(new GetConnectionCommand({ ConnectionId: unknownId })), { name });
});
