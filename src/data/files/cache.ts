/** @file A cache of what was used last, bounded in bytes. */

/** What loading gives: a value and the bytes that it takes. */
interface Loaded<V> {
  readonly value: V;
  readonly bytes: number;
}

/**
 * A cache of up to `maxBytes`, at least one value: what was not used for longest goes first. Asked for twice at once, a
 * value is loaded once; a failure is not kept.
 */
export function createCache<K, V>(
  maxBytes: number,
): (key: K, load: () => Promise<Loaded<V>>) => Promise<V> {
  const held = new Map<K, Promise<V>>();
  const sizes = new Map<K, number>();
  let total = 0;
  const evict = (newest: K) => {
    for (const [key, bytes] of sizes) {
      if (total <= maxBytes) return;
      if (key === newest) continue;
      sizes.delete(key);
      held.delete(key);
      total -= bytes;
    }
  };
  return (key, load) => {
    const found = held.get(key);
    if (found) {
      const bytes = sizes.get(key);
      if (bytes !== undefined) {
        sizes.delete(key);
        sizes.set(key, bytes);
      }
      return found;
    }
    const loading = load().then(
      ({ value, bytes }) => {
        sizes.set(key, bytes);
        total += bytes;
        evict(key);
        return value;
      },
      (error: unknown) => {
        held.delete(key);
        throw error;
      },
    );
    held.set(key, loading);
    return loading;
  };
}
