import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  averagePrice,
  formatFixed,
  formatTrimmed,
  type InstrumentSizes,
  instrumentUnits,
  lotsToBase,
  lotsToQuantity,
  notional,
  parseDecimal,
  priceToTicks,
  quantityToLots,
  tickLotsToQuote,
  ticksToPrice,
  UnitsError,
  type UnitsErrorCode,
} from './units.ts';

const assets = { USD: 6, BTC: 8, ACME: 0 };

function instrument(sizes: Partial<InstrumentSizes> = {}): InstrumentSizes {
  return { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.0001', ...sizes };
}

function refuses(code: UnitsErrorCode, action: () => unknown): void {
  assert.throws(
    action,
    (error) => error instanceof UnitsError && error.code === code && error.message.length > 10,
  );
}

describe('parseDecimal', () => {
  it('reads plain decimals exactly', () => {
    assert.equal(parseDecimal('1', 2), 100n);
    assert.equal(parseDecimal('1.50', 2), 150n);
    assert.equal(parseDecimal('0.0001', 4), 1n);
    assert.equal(parseDecimal('0', 8), 0n);
    assert.equal(parseDecimal('99999999999999999999999999999999999999', 0), 10n ** 38n - 1n);
  });

  it('does not count trailing zeros as precision', () => {
    assert.equal(parseDecimal('1.5000', 1), 15n);
    assert.equal(parseDecimal('7.00', 0), 7n);
  });

  it('refuses what is not a plain decimal', () => {
    const texts = [
      '',
      ' ',
      '1 ',
      ' 1',
      '1e3',
      '1E3',
      '+1',
      '-1',
      '.5',
      '5.',
      '.',
      '01',
      '00',
      '1,5',
      '0x10',
      '1_000',
      'NaN',
    ];
    for (const text of [...texts, 'Infinity', '١', '1\n', '--1', '1.2.3']) {
      refuses('not_a_decimal', () => parseDecimal(text, 8));
    }
  });

  it('refuses more significant decimals than there is room for', () => {
    refuses('too_precise', () => parseDecimal('1.001', 2));
    refuses('too_precise', () => parseDecimal('0.1', 0));
  });

  it('refuses more than 38 digits, however they are spread', () => {
    refuses('out_of_range', () => parseDecimal('1'.repeat(39), 0));
    refuses('out_of_range', () => parseDecimal(`${'1'.repeat(20)}.${'1'.repeat(19)}`, 30));
    refuses('out_of_range', () => parseDecimal('9'.repeat(1_000_000), 0));
  });

  it('reads a minus sign only where signs are allowed', () => {
    assert.equal(parseDecimal('-1.5', 1, { signed: true }), -15n);
    assert.equal(parseDecimal('-0', 1, { signed: true }), 0n);
    refuses('not_a_decimal', () => parseDecimal('-0', 1));
    refuses('not_a_decimal', () => parseDecimal('+1', 1, { signed: true }));
  });

  it('is the inverse of both formats for every value and scale', () => {
    const value = fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 18 }), (integer, decimals) => {
        assert.equal(parseDecimal(formatFixed(integer, decimals), decimals, { signed: true }), integer);
        assert.equal(parseDecimal(formatTrimmed(integer, decimals), decimals, { signed: true }), integer);
      }),
    );
  });

  it('either fails with a typed error or returns a value that formats back to the same number', () => {
    const nearlyNumber = fc.string({
      unit: fc.constantFrom('0', '1', '9', '.', '-', '+', 'e', ' '),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(nearlyNumber, fc.string()), (text) => {
        let value: bigint;
        try {
          value = parseDecimal(text, 6);
        } catch (error) {
          assert.ok(error instanceof UnitsError);
          return;
        }
        const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
        assert.equal(formatTrimmed(value, 6), trimmed);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('formats', () => {
  it('writes all decimals, or only those that matter', () => {
    assert.equal(formatFixed(6000010n, 2), '60000.10');
    assert.equal(formatTrimmed(6000010n, 2), '60000.1');
    assert.equal(formatTrimmed(100n, 2), '1');
    assert.equal(formatTrimmed(100n, 0), '100');
    assert.equal(formatTrimmed(0n, 4), '0');
    assert.equal(formatFixed(5, 4), '0.0005');
    assert.equal(formatFixed(-5, 1), '-0.5');
    assert.equal(formatFixed(0, 2), '0.00');
  });
});

describe('instrumentUnits', () => {
  it('precomputes the integers of a crypto market', () => {
    const units = instrumentUnits(instrument(), assets);
    assert.equal(units.priceDecimals, 2);
    assert.equal(units.quantityDecimals, 4);
    assert.equal(units.notionalPerTickLot, 1n);
    assert.equal(units.basePerLot, 10_000n);
  });

  it('works with steps that are not powers of ten', () => {
    const units = instrumentUnits(instrument({ base: 'ACME', tickSize: '0.05', lotSize: '5' }), assets);
    assert.equal(priceToTicks(units, '10.15'), 203);
    assert.equal(ticksToPrice(units, 203), '10.15');
    assert.equal(quantityToLots(units, '25'), 5);
    assert.equal(lotsToQuantity(units, 5), '25');
    assert.equal(notional(units, 203, 5), parseDecimal('253.75', 6));
    assert.equal(lotsToBase(units, 5), 25n);
    refuses('not_a_multiple', () => priceToTicks(units, '10.16'));
    refuses('not_a_multiple', () => quantityToLots(units, '24'));
    const coarse = instrumentUnits(instrument({ base: 'ACME', tickSize: '50', lotSize: '1' }), assets);
    assert.equal(ticksToPrice(coarse, 3), '150');
  });

  it('refuses an instrument whose smallest trade is not whole in minor units', () => {
    refuses('invalid_instrument', () => instrumentUnits(instrument({ lotSize: '0.000000001' }), assets));
    refuses('invalid_instrument', () => instrumentUnits(instrument({ tickSize: '0.001' }), assets));
    refuses('invalid_instrument', () =>
      instrumentUnits(instrument({ base: 'ACME', lotSize: '0.5' }), assets),
    );
  });

  it('refuses unknown assets and sizes that are not positive decimals', () => {
    refuses('invalid_instrument', () => instrumentUnits(instrument({ base: 'DOGE' }), assets));
    refuses('invalid_instrument', () => instrumentUnits(instrument({ quote: 'toString' }), assets));
    refuses('invalid_instrument', () => instrumentUnits(instrument(), { BTC: 8, USD: 1.5 }));
    for (const size of ['0', '0.00', '', '-1', '1e-2']) {
      refuses('invalid_instrument', () => instrumentUnits(instrument({ tickSize: size }), assets));
      refuses('invalid_instrument', () => instrumentUnits(instrument({ lotSize: size }), assets));
    }
  });
});

describe('prices and quantities', () => {
  const units = instrumentUnits(instrument(), assets);

  it('refuses zero and what exceeds a safe integer', () => {
    refuses('out_of_range', () => priceToTicks(units, '0'));
    refuses('out_of_range', () => quantityToLots(units, '0.0000'));
    refuses('out_of_range', () => priceToTicks(units, '90071992547409.92'));
    assert.equal(priceToTicks(units, '90071992547409.91'), Number.MAX_SAFE_INTEGER);
  });

  it('survives the way to text and back, and multiplies exactly, at any size', () => {
    const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const market = fc
      .record({
        tickSize: fc.constantFrom('0.01', '0.05', '0.25', '1', '2.5', '50'),
        lotSize: fc.constantFrom('0.0001', '0.0005', '0.1', '1', '5', '100'),
      })
      .map((sizes) => instrumentUnits(instrument(sizes), assets));
    fc.assert(
      fc.property(market, count, count, (units, ticks, lots) => {
        const price = ticksToPrice(units, ticks);
        const quantity = lotsToQuantity(units, lots);
        assert.equal(priceToTicks(units, price), ticks);
        assert.equal(quantityToLots(units, quantity), lots);
        // Over a common scale: price (p decimals) × quantity (q decimals) has p + q decimals.
        const product = parseDecimal(price, 6) * parseDecimal(quantity, 6);
        assert.equal(notional(units, ticks, lots) * 10n ** 6n, product);
        assert.equal(tickLotsToQuote(units, BigInt(ticks) * BigInt(lots)), notional(units, ticks, lots));
        assert.equal(lotsToBase(units, lots), parseDecimal(quantity, 8));
        assert.equal(
          averagePrice(units, BigInt(ticks) * BigInt(lots), lots),
          formatTrimmed(BigInt(ticks) * units.tick, units.priceDecimals),
        );
      }),
    );
  });

  it('rounds an average price half up at eight decimals beyond the tick', () => {
    assert.equal(averagePrice(units, 0n, 0), undefined);
    assert.equal(averagePrice(units, 100n + 2n * 101n, 3), '1.0066666667');
    assert.equal(averagePrice(units, 201n, 2), '1.005');
  });
});
