using System.Numerics;
using System.Text;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The bytes and texts that lie in databases. A difference means that what is stored is written otherwise than before.</summary>
public sealed class StoredBytesTests
{
    private static readonly DateTimeOffset Moment = new(2026, 2, 3, 4, 5, 6, TimeSpan.FromHours(1));

    private static readonly (string Name, object? Value, Type Type)[] Values =
    [
        ("null", null, typeof(string)),
        ("unit", default(Unit), typeof(Unit)),
        ("booleans", new[] { true, false }, typeof(bool[])),
        ("positive", new[] { 0, 127, 128, 256, 65_536, 4_294_967_296, long.MaxValue }, typeof(long[])),
        ("negative", new[] { -1, -32, -33, -129, -32_769, -2_147_483_649, long.MinValue }, typeof(long[])),
        ("unsigned", ulong.MaxValue, typeof(ulong)),
        ("doubles", new[] { 1.5, 0.1, 1e20, -0.0, double.NaN, double.PositiveInfinity }, typeof(double[])),
        ("decimals", new[] { 1.10m, 1.1m, 0.00m, 12m, decimal.MaxValue }, typeof(decimal[])),
        ("big integer", BigInteger.Pow(2, 64), typeof(BigInteger)),
        ("texts", new[] { "", "é😀\"\\\n", new string('x', 32), new string('y', 256) }, typeof(string[])),
        ("sixteen", Enumerable.Range(0, 16).ToArray(), typeof(int[])),
        ("order", new Order("o-1", Moment, [new("a", 1, 9.90m)], Colour.Green), typeof(Order)),
        ("polymorphic", new Circle("c", 1.5), typeof(Shape)),
        ("value tuple", (1, "a"), typeof((int, string))),
        ("bytes", new byte[] { 0, 255 }, typeof(byte[])),
        ("moments", new[] { new DateTime(2026, 2, 3, 4, 5, 6, 7, DateTimeKind.Utc), new DateTime(2026, 2, 3) }, typeof(DateTime[])),
    ];

    private static readonly RecordedFailure Failure = new("Shop.Payments.Declined", "no money", "at Pay", 402L, """{"limit":1.10}""")
    {
        BaseTypes = ["Shop.Payments.PaymentException"],
        Inner = [new("System.TimeoutException", "slow", Code: 1.0)],
    };

    private readonly PayloadSerializer serializer = new();

    [Fact]
    public void Message_pack()
    {
        var text = new StringBuilder();
        foreach (var (name, value, type) in Values)
        {
            Append(text, name, serializer.Encode(value, type, PayloadFormat.MessagePack));
        }

        Append(text, "failure", serializer.EncodeFailure(Failure, PayloadFormat.MessagePack));
        Snapshot.Match(Plain(text));
    }

    [Fact]
    public void Portable_json()
    {
        var text = new StringBuilder();
        foreach (var (name, value, type) in Values)
        {
            text.Append(name).Append("\n  ").Append(serializer.Encode(value, type, PayloadFormat.PortableJson).Text).Append('\n');
            text.Append("  ").Append(serializer.EncodeInput(value, type, PayloadFormat.PortableJson).Text).Append('\n');
        }

        text.Append("failure\n  ").Append(serializer.EncodeFailure(Failure, PayloadFormat.PortableJson).Text).Append('\n');
        Snapshot.Match(Plain(text));
    }

    // Snapshots replace moments, which here are what is to be pinned.
    private static string Plain(StringBuilder text) => text.ToString().Replace("2026-02-03T", "2026-02-03 T", StringComparison.Ordinal);

    private static void Append(StringBuilder text, string name, Payload payload) =>
        text.Append(name).Append("  ").Append(payload.Format).Append("  ").Append(payload.Text).Append('\n')
            .Append(MessagePackText.Of(payload.Text!));
}
