// OpenAI's own client for Node, against a server whose address, key and model the environment names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const { LLATTE_URL: baseURL, LLATTE_KEY: apiKey, LLATTE_MODEL: model } = process.env;
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const question = { model, messages: [{ role: 'user', content: 'Name three colours.' }], max_completion_tokens: 24, temperature: 0 };
const trip = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Rome', 'Oslo'] }, days: { type: 'integer', minimum: 1, maximum: 30 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
/** The model was never taught to call tools: it is shown how. */
const booking = [
  { role: 'user', content: 'Book a trip to Rome for 7 days.' },
  { role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'book', arguments: '{"city": "Rome", "days": 7}' } }] },
  { role: 'tool', tool_call_id: 'call_1', content: 'booked' },
  { role: 'user', content: 'Book a trip to Oslo for 5 days.' },
];
const tools = [{ type: 'function', function: { name: 'book', description: 'Books a trip', parameters: trip } }];

/** Some answers of so small a model are white space to their end. */
async function untilItEnds(answer, hasEnded) {
  for (let seed = 0; seed < 20; seed++) {
    const given = await answer(seed);
    if (hasEnded(given)) {
      return given;
    }
  }
  assert.fail('no answer ended');
}

function assertTrip(json) {
  const value = JSON.parse(json);
  assert.ok(['Rome', 'Oslo'].includes(value.city), json);
  assert.ok(value.days >= 1 && value.days <= 30, json);
}

test('chat', async () => {
  const answer = await client.chat.completions.create(question);
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, model);
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('a stream brings the same text', async () => {
  const whole = await client.chat.completions.create(question);
  const stream = await client.chat.completions.create({ ...question, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let usage = null;
  let finish = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.deepEqual(usage.completion_tokens, whole.usage.completion_tokens);
});

test('the stream helper ends with the whole message', async () => {
  const stream = client.chat.completions.stream(question);
  let text = '';
  stream.on('content', delta => { text += delta; });
  assert.equal((await stream.finalChatCompletion()).choices[0].message.content, text);
});

test('an aborted stream ends', async () => {
  const stream = await client.chat.completions.create({ ...question, max_completion_tokens: 2000, stream: true, ignore_eos: true });
  let chunks = 0;
  for await (const _ of stream) {
    if (++chunks === 3) {
      stream.controller.abort();
    }
  }
  assert.ok(chunks < 2000);
});

test('several answers, with log-probabilities', async () => {
  const answer = await client.chat.completions.create({ ...question, n: 2, temperature: 1.5, seed: 3, logprobs: true, top_logprobs: 2 });
  assert.deepEqual(answer.choices.map(choice => choice.index), [0, 1]);
  assert.notEqual(answer.choices[0].message.content, answer.choices[1].message.content);
  assert.ok(answer.choices[0].logprobs.content.every(each => each.logprob <= 0 && each.top_logprobs.length === 2));
});

for (const stream of [false, true]) {
  test(`tools, ${stream ? 'streamed' : 'whole'}`, async () => {
    const asked = { ...question, messages: booking, tools, tool_choice: 'required', temperature: 0.3, max_completion_tokens: 64 };
    const choice = await untilItEnds(async seed => stream
        ? (await client.chat.completions.stream({ ...asked, seed }).finalChatCompletion().catch(failure => {
          // The helper refuses an answer that was cut off.
          assert.match(failure.constructor.name, /LengthFinishReason/);
          return { choices: [{ finish_reason: 'length' }] };
        })).choices[0]
        : (await client.chat.completions.create({ ...asked, seed })).choices[0], each => each.finish_reason === 'tool_calls');
    const call = choice.message.tool_calls[0];
    assert.equal(call.function.name, 'book');
    assertTrip(call.function.arguments);
    const next = await client.chat.completions.create({
      ...question, tools, tool_choice: 'none',
      messages: [...booking, choice.message, { role: 'tool', tool_call_id: call.id, content: 'booked' }],
    });
    assert.equal(next.choices[0].message.tool_calls, undefined);
  });
}

test('a JSON schema binds the answer', async () => {
  const choice = await untilItEnds(async seed => (await client.chat.completions.create({
    ...question, seed, temperature: 1, max_completion_tokens: 64,
    response_format: { type: 'json_schema', json_schema: { name: 'trip', strict: true, schema: trip } },
  })).choices[0], each => each.finish_reason === 'stop');
  assertTrip(choice.message.content);
});

test('completions', async () => {
  const answer = await client.completions.create({ model, prompt: ['One, two,', 'A, B,'], max_tokens: 4, temperature: 0 });
  assert.equal(answer.choices.length, 2);
});

test('embeddings are the same as numbers and in base 64', async () => {
  const input = ['a cat', 'a kitten'];
  const numbers = await client.embeddings.create({ model, input, encoding_format: 'float' });
  const decoded = await client.embeddings.create({ model, input });     // The client asks for base 64, and decodes it.
  assert.equal(numbers.data.length, 2);
  numbers.data.forEach((each, i) => each.embedding.forEach((value, j) => assert.ok(Math.abs(value - decoded.data[i].embedding[j]) < 1e-6)));
});

test('models', async () => {
  const names = [];
  for await (const each of client.models.list()) {
    names.push(each.id);
  }
  assert.ok(names.includes(model), names.join());
  assert.equal((await client.models.retrieve(model)).id, model);
});

test('responses', async () => {
  const asked = { model, input: 'Name three colours.', max_output_tokens: 24, temperature: 0 };
  const whole = await client.responses.create(asked);
  assert.ok(whole.output_text.length > 0);
  let text = '';
  const types = [];
  for await (const event of await client.responses.create({ ...asked, stream: true })) {
    types.push(event.type);
    text += event.type === 'response.output_text.delta' ? event.delta : '';
  }
  assert.equal(text, whole.output_text);
  assert.equal(types[0], 'response.created');
  assert.match(types.at(-1), /^response\.(completed|incomplete)$/);
});

test('responses call tools', async () => {
  const answer = await untilItEnds(() => client.responses.create({
    model, max_output_tokens: 64, temperature: 0.3, tool_choice: 'required',
    input: [
      { role: 'user', content: 'Book a trip to Rome for 7 days.' },
      { type: 'function_call', call_id: 'call_1', name: 'book', arguments: '{"city": "Rome", "days": 7}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'booked' },
      { role: 'user', content: 'Book a trip to Oslo for 5 days.' },
    ],
    tools: [{ type: 'function', name: 'book', parameters: trip, strict: true }],
  }), each => each.status === 'completed');
  const call = answer.output.at(-1);
  assert.equal(call.type, 'function_call');
  assertTrip(call.arguments);
});

// ---- errors

const failures = [
  ['a wrong key', OpenAI.AuthenticationError, 'invalid_api_key', () => new OpenAI({ baseURL, apiKey: 'another', maxRetries: 0 }).models.list()],
  ['an unknown model', OpenAI.NotFoundError, 'model_not_found', () => client.chat.completions.create({ ...question, model: 'gpt-9' })],
  ['a value out of range', OpenAI.BadRequestError, null, () => client.chat.completions.create({ ...question, temperature: 9 })],
  ['no messages', OpenAI.BadRequestError, null, () => client.chat.completions.create({ model, messages: [] })],
  ['a prompt that is too long', OpenAI.BadRequestError, 'context_length_exceeded',
    () => client.chat.completions.create({ ...question, messages: [{ role: 'user', content: 'a word '.repeat(9000) }] })],
  ['a long prompt to be streamed', OpenAI.BadRequestError, 'context_length_exceeded',
    () => client.chat.completions.create({ ...question, stream: true, messages: [{ role: 'user', content: 'a word '.repeat(9000) }] })],
  ['a schema that cannot be', OpenAI.BadRequestError, 'invalid_schema', () => client.chat.completions.create({
    ...question, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'nonsense' } } },
  })],
  ['a page of another host', OpenAI.PermissionDeniedError, 'origin_not_allowed',
    () => client.models.list({ headers: { Origin: 'https://example.org' } })],
  ['a picture for a model without eyes', OpenAI.BadRequestError, undefined, () => client.chat.completions.create({
    ...question, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } }] }],
  })],
];

for (const [name, type, code, call] of failures) {
  test(`error: ${name}`, async () => {
    await assert.rejects(async () => await call(), failure => {
      assert.ok(failure instanceof type, `${failure.constructor.name}: ${failure.message}`);
      if (code !== undefined) {
        assert.equal(failure.code, code);
      }
      return true;
    });
  });
}
