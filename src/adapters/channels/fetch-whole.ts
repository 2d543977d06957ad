/** A request whose deadline holds for the body of its answer too. */

/**
 * As `fetch`, but comes back when the whole answer has arrived. While a body is read, Node.js no longer heeds the signal
 * that `fetch` was given once the collector has taken the request (nodejs/undici#3644, seen with Node 20.20): an answer that
 * never ends then takes undici's own five minutes.
 *
 * @throws what `fetch` throws, and the reason of the signal
 */
export const fetchWhole: typeof fetch = async (url, init) => {
  const answer = await fetch(url, init);
  if (answer.body === null) return answer;
  const until = init?.signal ? { signal: init.signal } : {};
  const body = answer.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), until);
  return new Response(await new Response(body).arrayBuffer(), answer);
};
