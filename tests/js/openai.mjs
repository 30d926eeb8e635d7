// Drives a running `blyan-worker serve` with OpenAI's own client, unchanged.
//
//   npm ci --prefix tests/js && node tests/js/openai.mjs http://127.0.0.1:8080
//
// Exits 0 only if models, completions, chat and both streams come out as the client's types promise.
import assert from 'node:assert/strict';
import OpenAI, { APIError, BadRequestError, NotFoundError } from 'openai';

const base = process.argv[2];
if (!base) {
  console.error('usage: node tests/js/openai.mjs BASE_URL, such as http://127.0.0.1:8080');
  process.exit(2);
}
const client = new OpenAI({ baseURL: `${base.replace(/\/$/, '')}/v1`, apiKey: 'any', timeout: 60_000 });
const step = (what, detail) => console.log(`ok - ${what}${detail ? `: ${detail}` : ''}`);

const model = (await client.models.list()).data[0].id;
assert.equal((await client.models.retrieve(model)).id, model);
step('models', model);

const drawn = { model, seed: 7, temperature: 0.8, max_tokens: 48 };
const prompt = 'hacker: n. ';
const { data: completion, response } = await client.completions.create({ ...drawn, prompt, logprobs: 2 }).withResponse();
const root = completion.blyan.version_root;
assert.match(root, /^0x[0-9a-f]{64}$/);
assert.equal(response.headers.get('x-blyan-version-root'), root);
assert.equal(completion.object, 'text_completion');
assert.equal(completion.choices.length, 1);
assert.equal(completion.usage.prompt_tokens, prompt.length);
assert.equal(completion.usage.total_tokens, completion.usage.prompt_tokens + completion.usage.completion_tokens);
assert.equal(completion.choices[0].logprobs.tokens.length, completion.usage.completion_tokens);
step('completion', JSON.stringify(completion.choices[0].text));

const pieces = [];
let last;
for await (const chunk of await client.completions.create({ ...drawn, prompt, stream: true })) {
  pieces.push(chunk.choices[0].text);
  last = chunk;
}
assert.equal(pieces.join(''), completion.choices[0].text, 'the same seed and the same version');
assert.equal(last.choices[0].finish_reason, completion.choices[0].finish_reason);
assert.deepEqual(last.usage, completion.usage);
assert.equal(last.blyan.version_root, root);
step('completion by SSE', `${pieces.length} chunks`);

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: [{ type: 'text', text: 'What is a hacker?' }] },
];
const chat = await client.chat.completions.create({ ...drawn, messages, logprobs: true, top_logprobs: 2 });
assert.equal(chat.object, 'chat.completion');
assert.equal(chat.choices[0].message.role, 'assistant');
assert.ok(['stop', 'length'].includes(chat.choices[0].finish_reason));
assert.ok(chat.choices[0].logprobs.content.every((token) => token.top_logprobs.length === 2 && token.logprob <= 0));
assert.equal(chat.blyan.version_root, root);
step('chat', JSON.stringify(chat.choices[0].message.content));

// The client's helper puts the chunks together by itself.
const runner = client.chat.completions.stream({ ...drawn, messages, stream_options: { include_usage: true } });
const whole = await runner.finalChatCompletion();
assert.equal(whole.choices[0].message.content, chat.choices[0].message.content);
assert.deepEqual(whole.usage, chat.usage);
step('chat by SSE');

const stream = await client.completions.create({ ...drawn, prompt, stream: true });
for await (const chunk of stream) {
  assert.ok(chunk.id);
  break;
}
stream.controller.abort();
step('a stream that is left');

await assert.rejects(
  client.completions.create({ ...drawn, prompt, temperature: 9 }),
  (error) => error instanceof BadRequestError && error.param === 'temperature' && error.code === 'invalid_value',
);
await assert.rejects(
  client.chat.completions.create({ ...drawn, messages, model: 'no-such-model' }),
  (error) => error instanceof NotFoundError && error.code === 'model_not_found',
);
await assert.rejects(client.embeddings.create({ model, input: 'x' }), (error) => error instanceof APIError && error.status === 404);
step('errors are the client\'s own types');
