/** @file What a server counts, in Prometheus' text format. */

/** Upper edges of the buckets of times, in seconds, and of batches. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZES = [1, 2, 4, 8, 16, 32, 64];

/** Counts of values below edges. */
class Histogram {
  readonly #edges: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(edges: readonly number[]) {
    this.#edges = edges;
    this.#counts = edges.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count++;
    this.#edges.forEach((edge, i) => {
      if (value <= edge) this.#counts[i]++;
    });
  }

  lines(name: string, labels = ""): string[] {
    const with_ = (more: string): string => `{${[labels, more].filter(Boolean).join(",")}}`;
    return [
      ...this.#edges.map((edge, i) => `${name}_bucket${with_(`le="${edge}"`)} ${this.#counts[i]}`),
      `${name}_bucket${with_('le="+Inf"')} ${this.#count}`,
      `${name}_sum${labels && `{${labels}}`} ${this.#sum}`,
      `${name}_count${labels && `{${labels}}`} ${this.#count}`,
    ];
  }
}

/** Counts of a server. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #seconds = new Map<string, Histogram>();
  readonly #batches = new Histogram(SIZES);
  /** How many items wait, asked when the metrics are read. */
  waiting: () => number = () => 0;

  /** Counts a request to a route of the server that was answered. */
  request(route: string, status: number, seconds: number): void {
    const key = `route="${route}",status="${status}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    const times = this.#seconds.get(route) ?? new Histogram(SECONDS);
    this.#seconds.set(route, times);
    times.add(seconds);
  }

  /** Counts a batch. */
  batch(size: number): void {
    this.#batches.add(size);
  }

  /** All of it as text. */
  text(): string {
    const { rss, heapUsed, external } = process.memoryUsage();
    const lines = [
      ...family("ocelli_requests_total", "counter", "Requests that were answered."),
      ...[...this.#requests].map(([key, count]) => `ocelli_requests_total{${key}} ${count}`),
      ...family("ocelli_request_seconds", "histogram", "Seconds from a request to its answer."),
      ...[...this.#seconds].flatMap(([route, times]) =>
        times.lines("ocelli_request_seconds", `route="${route}"`),
      ),
      ...family("ocelli_batch_size", "histogram", "Pictures that were computed together."),
      ...this.#batches.lines("ocelli_batch_size"),
      ...family("ocelli_queue_length", "gauge", "Pictures that wait to be computed."),
      `ocelli_queue_length ${this.waiting()}`,
      ...family("process_resident_memory_bytes", "gauge", "Resident memory of the process."),
      `process_resident_memory_bytes ${rss}`,
      ...family(
        "nodejs_heap_size_used_bytes",
        "gauge",
        "Memory of JavaScript objects, main thread.",
      ),
      `nodejs_heap_size_used_bytes ${heapUsed}`,
      ...family("nodejs_external_memory_bytes", "gauge", "Memory that JavaScript objects hold."),
      `nodejs_external_memory_bytes ${external}`,
    ];
    return `${lines.join("\n")}\n`;
  }
}

const family = (name: string, type: string, help: string): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
];
