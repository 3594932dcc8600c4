// Runs handler.mjs once, as Lambda's runtime does: the event is on standard input, the result goes to standard output.
import { readFileSync } from 'node:fs';
import { handler } from './handler.mjs';

process.stdout.write(JSON.stringify(await handler(JSON.parse(readFileSync(0, 'utf8')))));
