/**
 * The cache against a naive model of CoreDNS's rules for one name: whatever the settings, whatever the upstream says and however much
 * time passes, clients get what the model says, and the upstream is asked as often.
 *
 * The model keeps one entry for the name, where CoreDNS keeps an answer and a denial side by side: there an answer that a prefetch has
 * found to be denied comes back once the denial is over.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { ClockedStage, type Script } from './clocked-stage.ts';

const NAME = 'www.example.org';

interface Settings {
  readonly ttlMin: number;
  readonly ttlMax: number;
  readonly servfail: number;
  readonly stale: 'off' | 'immediate' | 'verify';
  readonly staleFor: number;
  readonly staleTtl: number;
  readonly recheck: number;
  readonly preferPositive: boolean;
  readonly prefetchPercentage: number;
  readonly keepTtl: boolean;
}

/** What the upstream says: an answer that shows when it was given, or what is none. */
interface Saying {
  readonly kind:
    | 'answer'
    | 'alias'
    | 'nxdomain'
    | 'nodata'
    | 'servfail'
    | 'refused'
    | 'truncated'
    | 'dead';
  readonly ttl: number;
}

interface Step {
  readonly passes: number;
  readonly says: Saying;
}

const SETTINGS: fc.Arbitrary<Settings> = fc.record({
  ttlMin: fc.constantFrom(0, 1, 5),
  ttlMax: fc.constantFrom(5, 30, 3600),
  servfail: fc.constantFrom(0, 5, 20),
  stale: fc.constantFrom('off', 'immediate', 'verify'),
  staleFor: fc.constantFrom(10, 60),
  staleTtl: fc.constantFrom(0, 30),
  recheck: fc.constantFrom(0, 4, 30),
  preferPositive: fc.boolean(),
  prefetchPercentage: fc.constantFrom(0, 10, 90),
  keepTtl: fc.boolean(),
});

const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    passes: fc.constantFrom(1, 2, 3, 5, 9, 10, 27, 60),
    says: fc.record({
      kind: fc.constantFrom<Saying['kind'][]>(
        'answer',
        'answer',
        'alias',
        'nxdomain',
        'nodata',
        'servfail',
        'refused',
        'truncated',
        'dead',
      ),
      ttl: fc.constantFrom(0, 1, 4, 10, 60),
    }),
  }),
  { minLength: 5, maxLength: 20 },
);

function corefile(settings: Settings): string {
  const bounds = `1024 ${settings.ttlMax} ${settings.ttlMin}`;
  const { stale, staleFor, staleTtl, recheck, preferPositive, prefetchPercentage } = settings;
  const verifyTimeout = stale === 'verify' ? '0 ' : '';
  const lines = [
    `success ${bounds}`,
    `denial ${bounds}`,
    `servfail ${settings.servfail}s`,
    prefetchPercentage > 0 ? `prefetch 1 1h ${prefetchPercentage}%` : '',
    settings.keepTtl ? 'keepttl' : '',
    stale === 'off'
      ? ''
      : `serve_stale ${staleFor}s ${stale} ${verifyTimeout}${staleTtl}s ${recheck}s`,
    stale !== 'off' && preferPositive ? 'serve_stale_policy prefer_positive' : '',
  ];
  return `cache {\n${lines.join('\n')}\n}`;
}

/** The upstream's answers carry the number of the step that they come from. */
function scriptOf({ kind, ttl }: Saying, step: number): Script {
  return (query) => {
    switch (kind) {
      case 'answer':
        return addresses(query, `192.0.2.${step}`, ttl);
      case 'alias':
        return { flags: 0x80, answers: [{ type: 'CNAME', name: NAME, ttl, data: 'end.test' }] };
      case 'nxdomain':
        return negative(query, 3, 'example.org', ttl);
      case 'nodata':
        return negative(query, 0, 'example.org', ttl);
      case 'servfail':
        return bare(query, 2);
      case 'refused':
        return bare(query, 5);
      case 'truncated':
        return { ...addresses(query, `192.0.2.${step}`, ttl), flags: 0x280 };
      default:
        return 'dead';
    }
  };
}

/** What a client sees. */
interface Sight {
  readonly rcode: string;
  readonly address: number | undefined;
  readonly ttl: number | undefined;
}

interface Entry {
  readonly saying: Saying;
  readonly step: number;
  readonly life: number;
  readonly expiresAt: number;
}

const RCODES: Partial<Record<Saying['kind'], string>> = {
  nxdomain: 'NXDOMAIN',
  servfail: 'SERVFAIL',
  refused: 'REFUSED',
  dead: 'SERVFAIL',
};

function sight({ kind }: Saying, step: number, ttl: number): Sight {
  const hasRecords = !['servfail', 'refused', 'dead'].includes(kind);
  return {
    rcode: RCODES[kind] ?? 'NOERROR',
    address: kind === 'answer' || kind === 'truncated' ? step : undefined,
    ttl: hasRecords ? ttl : undefined,
  };
}

class Model {
  readonly #settings: Settings;
  #entry: Entry | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  asked = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  ask(now: number, saying: Saying, step: number): Sight {
    const entry = this.#entry;
    if (entry === undefined || now >= this.#usableUntil(entry))
      return this.#query(now, saying, step);
    if (now < entry.expiresAt) {
      const left = entry.expiresAt - now;
      const shown = sight(entry.saying, entry.step, this.#settings.keepTtl ? entry.life : left);
      const { prefetchPercentage } = this.#settings;
      const threshold = Math.ceil((prefetchPercentage * entry.life) / 100);
      if (prefetchPercentage > 0 && left <= threshold && entry.saying.kind !== 'servfail') {
        this.#query(now, saying, step);
      }
      return shown;
    }
    const shown = sight(entry.saying, entry.step, this.#settings.staleTtl);
    if (now < this.#failedAt + this.#settings.recheck) return shown;
    const answered = this.#query(now, saying, step);
    return this.#settings.stale === 'verify' ? answered : shown;
  }

  /** A failure is no data, and is not served beyond its time. */
  #usableUntil({ saying, expiresAt }: Entry): number {
    const { stale, staleFor } = this.#settings;
    return expiresAt + (stale === 'off' || saying.kind === 'servfail' ? 0 : staleFor);
  }

  /** Asks the upstream, and keeps what it says; what a client gets who waits for it. */
  #query(now: number, saying: Saying, step: number): Sight {
    this.asked += 1;
    const entry = this.#entry;
    const isUsable = entry !== undefined && now < this.#usableUntil(entry);
    const holds = isUsable && entry.saying.kind !== 'servfail' && this.#settings.stale !== 'off';
    if (holds && !this.#takesPlaceOf(entry, saying)) {
      if (now >= entry.expiresAt) this.#failedAt = now;
      return sight(entry.saying, entry.step, this.#settings.staleTtl);
    }
    const life = this.#lifeOf(saying);
    const shown = life ?? this.#clamp(5);
    const yields = saying.kind === 'servfail' && isUsable && entry.saying.kind !== 'servfail';
    if (life !== undefined && life > 0 && !yields) {
      this.#entry = { saying, step, life, expiresAt: now + life };
      this.#failedAt = Number.NEGATIVE_INFINITY;
    }
    return sight(saying, step, shown);
  }

  #takesPlaceOf(entry: Entry, { kind }: Saying): boolean {
    if (entry.saying.kind === 'answer' && this.#settings.preferPositive) return kind === 'answer';
    return ['answer', 'alias', 'nxdomain', 'nodata'].includes(kind);
  }

  /** Seconds; undefined: never kept. */
  #lifeOf({ kind, ttl }: Saying): number | undefined {
    if (kind === 'servfail') return this.#settings.servfail;
    return ['refused', 'truncated', 'dead'].includes(kind) ? undefined : this.#clamp(ttl);
  }

  #clamp(ttl: number): number {
    return Math.min(Math.max(ttl, this.#settings.ttlMin), this.#settings.ttlMax);
  }
}

async function see(stage: ClockedStage): Promise<Sight> {
  const reply = await stage.ask({ name: NAME });
  await stage.settles();
  const { answers, authorities } = reply.decoded;
  const [record] = [...answers, ...authorities];
  const [data] = reply.data('A') as string[];
  return {
    rcode: reply.rcode,
    address: data === undefined ? undefined : Number(data.split('.')[3]),
    ttl: record && 'ttl' in record ? record.ttl : undefined,
  };
}

test('for any settings, sayings and times', async () => {
  await fc.assert(
    fc.asyncProperty(SETTINGS, STEPS, async (settings, steps) => {
      const stage = new ClockedStage(corefile(settings));
      const model = new Model(settings);
      let now = 0;
      for (const [index, { passes, says }] of steps.entries()) {
        now += passes;
        stage.passes(passes);
        stage.script(NAME, scriptOf(says, index));
        const expected = model.ask(now, says, index);
        const place = `step ${index} at ${now} s: ${JSON.stringify(says)}`;
        assert.deepEqual(await see(stage), expected, place);
        assert.equal(stage.asked(NAME), model.asked, place);
      }
    }),
    { numRuns: 300 },
  );
});
