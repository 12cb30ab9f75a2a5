using System.Collections.Immutable;
using System.Numerics;
using System.Text.Json;
using Dbos.Fluent.Tests.Serialization;
using Figure = Dbos.Fluent.Tests.Serialization.Shape;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The values that cross between C# and TypeScript, and those that do not. The page docs/interop.md shows this table.</summary>
internal static class Crossings
{
    public static IReadOnlyList<Crossing> All { get; } = Make();

    private static List<Crossing> Make()
    {
        List<Crossing> all = [];
        Whole(new("Whole numbers", all));
        Fractions(new("Fractions", all));
        Moments(new("Dates and times", all));
        Texts(new("Texts", all));
        Named(new("Enums and ids", all));
        Bytes(new("Bytes", all));
        Nothing(new("Null and nothing", all));
        Collections(new("Collections", all));
        Records(new("Records", all));
        return all;
    }

    private static void Whole(CrossingGroup group) => group
        .Both(0, "0")
        .Both(int.MinValue, "-(2 ** 31)")
        .Both(int.MaxValue, "2 ** 31 - 1")
        .Both(uint.MaxValue, "2 ** 32 - 1")
        .Both(byte.MaxValue, "255")
        .Both(sbyte.MinValue, "-128")
        .Both(short.MinValue, "-32768")
        .Both(ushort.MaxValue, "65535")
        .FromTypeScript(7L, "7n", "7")
        .FromTypeScript(5, "'5'", "5")
        .Both(9007199254740991L, "2 ** 53 - 1")
        .Both(9007199254740992L, "2 ** 53")
        .Both(9007199254740993L, "2n ** 53n + 1n", "'9007199254740993'")
        .Both(-9007199254740993L, "-(2n ** 53n) - 1n", "'-9007199254740993'")
        .Both(long.MaxValue, "2n ** 63n - 1n", "'9223372036854775807'")
        .Both(long.MinValue, "-(2n ** 63n)", "'-9223372036854775808'")
        .Both(ulong.MaxValue, "2n ** 64n - 1n", "'18446744073709551615'")
        .Both(Int128.MinValue, "-(2n ** 127n)", "'-170141183460469231731687303715884105728'")
        .Both(BigInteger.Pow(10, 30), "10n ** 30n", "'1000000000000000000000000000000'")
        .RefusedHere<int>("int", "2 ** 31", "System.Int32")
        .RefusedHere<int>("int", "1.5", "System.Int32")
        .RefusedHere<int>("int", "'many'", "System.Int32")
        .RefusedHere<ulong>("ulong", "-1", "System.UInt64");

    private static void Fractions(CrossingGroup group) => group
        .Both(0.1, "0.1")
        .Both(0.1 + 0.2, "0.1 + 0.2")
        .Both(0.1f, "0.1")
        .Both(1e21, "1e21")
        .Both(double.MaxValue, "Number.MAX_VALUE")
        .Both(double.Epsilon, "Number.MIN_VALUE")
        .FromDotnet(-0.0, "-0", 0.0)
        .FromTypeScript(0.0, "-0", "0")
        .Both(double.NaN, "'NaN'")
        .Both(double.NegativeInfinity, "'-Infinity'")
        .FromTypeScript((double?)null, "NaN", "null")
        .FromTypeScript((double?)null, "Infinity", "null")
        .Both(1.10m, "'1.10'")
        .Both(decimal.MaxValue, "'79228162514264337593543950335'")
        .Both(0.0000000000000000000000000001m, "'0.0000000000000000000000000001'")
        .FromTypeScript(1.5m, "1.5", "'1.5'")
        .FromTypeScript(0.0000001m, "1e-7", "'0.0000001'")
        .RefusedHere<double>("double", "NaN", "System.Double")
        .RefusedHere<decimal>("decimal", "1e300", "System.Decimal");

    private static void Moments(CrossingGroup group) => group
        .Both(
            new DateTimeOffset(2025, 6, 15, 14, 30, 0, TimeSpan.Zero),
            "new Date(Date.UTC(2025, 5, 15, 14, 30))",
            "'2025-06-15T14:30:00.000Z'")
        .FromDotnet(
            new DateTimeOffset(2025, 6, 15, 16, 30, 0, TimeSpan.FromHours(2)),
            "'2025-06-15T14:30:00.000Z'",
            new DateTimeOffset(2025, 6, 15, 14, 30, 0, TimeSpan.Zero))
        .FromTypeScript(
            new DateTimeOffset(2025, 6, 15, 16, 30, 0, TimeSpan.FromHours(2)),
            "'2025-06-15T16:30:00+02:00'",
            "'2025-06-15T14:30:00.000Z'")
        .FromTypeScript(
            new DateTimeOffset(2025, 6, 15, 14, 30, 0, TimeSpan.Zero), "'2025-06-15T14:30:00'", "'2025-06-15T14:30:00.000Z'")
        .Both(DateTimeOffset.UnixEpoch.AddMilliseconds(-1), "new Date(-1)", "'1969-12-31T23:59:59.999Z'")
        .Both(DateTimeOffset.MinValue, "'0001-01-01T00:00:00.000Z'")
        .Both(DateTimeOffset.MaxValue, "'9999-12-31T23:59:59.9999999Z'")
        .Both(new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Utc).AddTicks(1234567), "'2025-06-15T14:30:00.1234567Z'")
        .FromDotnet(
            new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Unspecified),
            "'2025-06-15T14:30:00.000Z'",
            new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Utc))
        .Both(new DateOnly(2025, 6, 15), "'2025-06-15'")
        .Both(new TimeOnly(14, 30), "'14:30:00'")
        .Both(new TimeSpan(1, 2, 3, 4), "'1.02:03:04'")
        .RefusedHere<DateTimeOffset>("DateTimeOffset", "'yesterday'", "System.DateTimeOffset")
        .RefusedHere<DateTimeOffset>("DateTimeOffset", "new Date(8.64e15)", "System.DateTimeOffset");

    private static void Texts(CrossingGroup group) => group
        .Both("", "''")
        .Both("é, שלום, 漢字", "'é, שלום, 漢字'")
        .Both("e\u0301", "'e\\u0301'")
        .Both("\U0001F600", "'\\u{1F600}'")
        .Both("\U0001F469\u200D\U0001F680", "'\\u{1F469}\\u200D\\u{1F680}'")
        .Both("\u2028\u2029\uFEFF", "'\\u2028\\u2029\\uFEFF'")
        .Both("\"\\/\b\f\n\r\t", "'\"\\\\/\\b\\f\\n\\r\\t'")
        .Both("a\0b", "'a\\0b'")
        .Both('x', "'x'")
        .Both(new string('x', 1 << 20), "'x'.repeat(2 ** 20)")
        .Both(string.Concat(Enumerable.Repeat("\U0001F600", 1 << 18)), "'\\u{1F600}'.repeat(2 ** 18)")
        .Both(true, "true")
        .Both(new Uri("https://example.org/a?b=1"), "new URL('https://example.org/a?b=1')", "'https://example.org/a?b=1'")
        .RefusedHere<string>("string", "'\\ud800'", "surrogate")
        .RefusedHere<string>("string", "1", "System.String")
        .RefusedHere<bool>("bool", "'true'", "System.Boolean")
        .RefusedToLeave("cut \ud83d", "surrogate");

    private static void Named(CrossingGroup group) => group
        .Both(Colour.Green, "'Green'")
        .FromTypeScript(Colour.Green, "7", "'Green'")
        .FromTypeScript(Colour.Green, "'green'", "'Green'")
        .Both((Colour)9, "9")
        .Both(Rights.Read | Rights.Write, "'Read, Write'")
        .Both(Guid.Parse("8b6f4a3e-1111-2222-3333-444455556666"), "'8b6f4a3e-1111-2222-3333-444455556666'")
        .Both(new Version(1, 2, 3), "'1.2.3'")
        .RefusedHere<Colour>("Colour", "'Blue'", "Colour")
        .RefusedHere<Guid>("Guid", "'no id'", "System.Guid");

    private static void Bytes(CrossingGroup group) => group
        .Both(new byte[] { 0, 255 }, "Buffer.from([0, 255]).toString('base64')", "'AP8='")
        .Both(Array.Empty<byte>(), "''")
        .RefusedHere<byte[]>("byte[]", "Buffer.from([0, 255])", "System.Byte[]")
        .RefusedHere<byte[]>("byte[]", "new Uint8Array([0, 255])", "System.Byte[]");

    private static void Nothing(CrossingGroup group) => group
        .Both((string?)null, "null")
        .FromTypeScript((string?)null, "undefined", "null")
        .Both((int?)null, "null")
        .Both((Note?)null, "null")
        .Both(default(Unit), "null")
        .Both(new Note(null, []), "{ text: null, tags: [] }")
        .FromTypeScript(new Note(null, null), "{}", "{ text: null, tags: null }")
        .FromTypeScript(new Note(null, null), "{ text: undefined }", "{ text: null, tags: null }")
        .Both(new[] { "a", null }, "['a', null]")
        .FromTypeScript(new[] { "a", null }, "['a', undefined]", "['a', null]")
        .Both(new Dictionary<string, int?> { ["a"] = null }, "{ a: null }")
        .RefusedHere<int>("int", "null", "System.Int32");

    private static void Collections(CrossingGroup group) => group
        .Both(Array.Empty<int>(), "[]")
        .Both(new[] { 1, 2, 3 }, "[1, 2, 3]")
        .Both(new int[][] { [1], [], [2, 3] }, "[[1], [], [2, 3]]")
        .Both(new List<string> { "a" }, "['a']")
        .Both(ImmutableArray.Create(1, 2), "[1, 2]")
        .Both(new HashSet<int> { 1, 2 }, "new Set([1, 2])", "[1, 2]")
        .Both((1, "a"), "[1, 'a']")
        .Both(new Dictionary<string, int>(), "{}")
        .Both(new Dictionary<string, int> { ["b"] = 1, ["a"] = 2 }, "new Map([['b', 1], ['a', 2]])", "{ b: 1, a: 2 }")
        .Both(new Dictionary<string, List<string>> { ["\U0001F600"] = [], [""] = ["x"] }, "{ '\\u{1F600}': [], '': ['x'] }")
        .Both(JsonElement.Parse("""{"a":[1,{"b":null}],"c":{}}"""), "{ a: [1, { b: null }], c: {} }")
        .Both(JsonElement.Parse(Nested(64)), "JSON.parse('['.repeat(64) + ']'.repeat(64))")
        .RefusedHere<JsonElement>("JsonElement", "JSON.parse('['.repeat(65) + ']'.repeat(65))", "depth")
        .RefusedHere<int[]>("int[]", "['a']", "System.Int32[]")
        .RefusedToLeave(new Dictionary<int, string> { [1] = "a" }, "keys of type System.Int32")
        .RefusedThere("new Map([[1, 'a']])", "non-string keys")
        .RefusedThere("(() => { const self = {}; return (self.self = self); })()", "circular");

    private static void Records(CrossingGroup group) => group
        .Both(new Line("pens", 3, 1.50m), "{ sku: 'pens', quantity: 3, price: '1.50' }")
        .Both(new Money(0.10m, "EUR"), "{ amount: '0.10', currency: 'EUR' }")
        .Both(
            new Order("o-1", DateTimeOffset.UnixEpoch, [new("pens", 3, 1.50m)], Colour.Red, "é"),
            "{ id: 'o-1', at: new Date(0), lines: [{ sku: 'pens', quantity: 3, price: '1.50' }], colour: 'Red', note: 'é' }",
            "{ id: 'o-1', at: '1970-01-01T00:00:00.000Z', lines: [{ sku: 'pens', quantity: 3, price: '1.50' }],"
            + " colour: 'Red', note: 'é' }")
        .Both<Figure>(new Circle("c", 2), "{ $type: 'circle', name: 'c', radius: 2 }")
        .FromTypeScript(
            new Money(1.5m, "EUR"), "{ currency: 'EUR', amount: 1.5, more: [1], run() {} }", "{ amount: '1.5', currency: 'EUR' }")
        .FromTypeScript(new Fault("RangeError", "no"), "new RangeError('no')", "{ name: 'RangeError', message: 'no' }")
        .RefusedHere<WithRequired>("WithRequired", "{ id: 'x' }", "count")
        .RefusedHere<Figure>("Shape", "{ $type: 'oval', name: 'o' }", "Shape");

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);
}

internal sealed record Note(string? Text, string[]? Tags);

internal sealed record Fault(string Name, string Message);
