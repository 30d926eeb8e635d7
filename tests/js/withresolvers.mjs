// Node 20 lacks what libp2p's queues use. Imported before them.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new this((fulfil, refuse) => { resolve = fulfil; reject = refuse; });
  return { promise, resolve, reject };
};
