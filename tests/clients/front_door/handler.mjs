// A Lambda function as it is written for AWS: it knows of no emulator.
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';

export const handler = async (event) => {
    const { domainName, stage, connectionId } = event.requestContext;
    const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` });
    await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'from the handler' }));
    return { statusCode: 200, body: 'done' };
};
