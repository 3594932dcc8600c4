// The AWS SDK for JavaScript, v3, invokes functions. It finds the emulator through AWS_ENDPOINT_URL_LAMBDA.
import {
    InvalidRequestContentException,
    InvokeCommand,
    LambdaClient,
    RequestTooLargeException,
    ResourceNotFoundException,
} from '@aws-sdk/client-lambda';
import assert from 'node:assert/strict';
import test from 'node:test';

const lambda = new LambdaClient({});
const text = (bytes) => new TextDecoder().decode(bytes);
const invoke = (FunctionName, Payload, options = {}) => lambda.send(new InvokeCommand({ FunctionName, Payload, ...options }));
const message = (body) => JSON.stringify({ requestContext: { eventType: 'MESSAGE' }, body });

test('Invoke gives what the function returned', async () => {
    const reply = await invoke('echo', message('häl"lo'));
    assert.equal(reply.StatusCode, 200);
    assert.equal(reply.ExecutedVersion, '$LATEST');
    assert.equal(reply.FunctionError, undefined);
    assert.deepEqual(JSON.parse(text(reply.Payload)), { statusCode: 200, body: 'häl"lo' });
});

test('a function goes by its ARN', async () => {
    const reply = await invoke('arn:aws:lambda:us-east-1:123456789012:function:echo:$LATEST', message('x'));
    assert.equal(JSON.parse(text(reply.Payload)).body, 'x');
});

test('a function error is told as one', async () => {
    const reply = await invoke('fail', message('broken'));
    assert.equal(reply.StatusCode, 200);
    assert.equal(reply.FunctionError, 'Unhandled');
    assert.deepEqual(JSON.parse(text(reply.Payload)), { errorType: 'SuiteError', errorMessage: 'broken' });
});

test('the tail of the log comes on request', async () => {
    const reply = await invoke('print', message('printed text'), { LogType: 'Tail' });
    const log = Buffer.from(reply.LogResult, 'base64').toString();
    assert.match(log, /^START RequestId: .* Version: \$LATEST\n/);
    assert.match(log, /\nstdout printed text\n/);
    assert.match(log, /\nREPORT RequestId: /);
});

test('an event is accepted at once', async () => {
    const reply = await invoke('echo', message('x'), { InvocationType: 'Event' });
    assert.equal(reply.StatusCode, 202);
    assert.equal(text(reply.Payload), '');
});

test('a dry run runs nothing', async () => {
    assert.equal((await invoke('echo', message('x'), { InvocationType: 'DryRun' })).StatusCode, 204);
});

test('no payload is an empty object', async () => {
    assert.equal((await invoke('echo')).StatusCode, 200);
});

test('a function that there is not is a ResourceNotFoundException', async () => {
    await assert.rejects(
        () => invoke('nope', '{}'),
        (error) =>
            error instanceof ResourceNotFoundException &&
            error.Type === 'User' &&
            /^Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope:\$LATEST$/.test(error.message),
    );
});

test('what is not JSON is an InvalidRequestContentException', async () => {
    await assert.rejects(
        () => invoke('echo', "{'a'}"),
        (error) =>
            error instanceof InvalidRequestContentException &&
            error.message.startsWith('Could not parse request body into json: Could not parse payload into json: '),
    );
});

test('an event over 6 MB is a RequestTooLargeException', async () => {
    await assert.rejects(() => invoke('echo', JSON.stringify('x'.repeat(6291456))), RequestTooLargeException);
});
