using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Serialization.Json;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Every JSON number comes back from MessagePack character by character.</summary>
public sealed class NumberTests
{
    private const int Seed = 20260203;
    private const int Count = 20_000;

    private readonly PayloadSerializer serializer = new();

    public static TheoryData<string, Func<Random, string>> Sources => new()
    {
        { "decimals", Decimal },
        { "doubles", Double },
        { "longs", random => Signed(random).ToString(CultureInfo.InvariantCulture) },
        { "ulongs", random => ((ulong)Signed(random)).ToString(CultureInfo.InvariantCulture) },
        { "big integers", random => new BigInteger(Bytes(random, random.Next(1, 60))).ToString(CultureInfo.InvariantCulture) },
        { "any text", AnyText },
    };

    [Theory]
    [MemberData(nameof(Sources), DisableDiscoveryEnumeration = true)]
    public void Random_numbers_come_back_identically(string kind, Func<Random, string> next)
    {
        var random = new Random(Seed);
        var numbers = Enumerable.Range(0, Count).Select(_ => next(random)).ToList();
        var json = $"[{string.Join(',', numbers)}]";

        Assert.Equal(json, RoundTrip(json));
        Assert.NotEmpty(kind);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-0.0")]
    [InlineData("0e0")]
    [InlineData("1.0")]
    [InlineData("1E5")]
    [InlineData("1e+999")]
    [InlineData("-1E-999")]
    [InlineData("127")]
    [InlineData("128")]
    [InlineData("-32")]
    [InlineData("-33")]
    [InlineData("-128")]
    [InlineData("-129")]
    [InlineData("255")]
    [InlineData("256")]
    [InlineData("65535")]
    [InlineData("65536")]
    [InlineData("-32768")]
    [InlineData("-32769")]
    [InlineData("4294967295")]
    [InlineData("4294967296")]
    [InlineData("-2147483648")]
    [InlineData("-2147483649")]
    [InlineData("9223372036854775807")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("18446744073709551615")]
    [InlineData("18446744073709551616")]
    [InlineData("0.1")]
    [InlineData("0.10")]
    [InlineData("1E+20")]
    [InlineData("1e20")]
    public void Edges_come_back_identically(string number) => Assert.Equal(number, RoundTrip(number));

    [Fact]
    public void Digits_of_every_length_come_back_identically()
    {
        foreach (var length in Enumerable.Range(1, 40).Concat([254, 255, 256, 65_535, 65_536]))
        {
            var digits = "9" + new string('0', length - 1) + ".50";

            Assert.Equal(digits, RoundTrip(digits));
        }
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("-12.50e+7", true)]
    [InlineData("10E9", true)]
    [InlineData("", false)]
    [InlineData("-", false)]
    [InlineData("01", false)]
    [InlineData("-01", false)]
    [InlineData("1.", false)]
    [InlineData(".5", false)]
    [InlineData("1e", false)]
    [InlineData("1e+", false)]
    [InlineData("+1", false)]
    [InlineData("1 ", false)]
    [InlineData("1,2", false)]
    [InlineData("NaN", false)]
    [InlineData("0x1", false)]
    public void A_json_number_is_recognised(string text, bool expected) =>
        Assert.Equal(expected, NumberText.IsJsonNumber(Encoding.UTF8.GetBytes(text)));

    private string RoundTrip(string json)
    {
        using var parsed = JsonDocument.Parse(json);
        var payload = serializer.Encode(parsed.RootElement, typeof(JsonElement), PayloadFormat.MessagePack);
        var back = (JsonElement)serializer.Decode(payload, typeof(JsonElement))!;
        Assert.Equal(back.GetRawText(), serializer.ToReadableJson(payload));
        return back.GetRawText();
    }

    private static string Decimal(Random random) => new decimal(
        random.Next() * random.Next(2), random.Next() * random.Next(2), random.Next(), random.Next(2) == 0, (byte)random.Next(29))
        .ToString(CultureInfo.InvariantCulture);

    private static string Double(Random random)
    {
        var value = random.Next(3) == 0 ? Math.Round(random.NextDouble() * 1000, 2) : BitConverter.Int64BitsToDouble(Signed(random));
        return double.IsFinite(value) ? JsonSerializer.Serialize(value) : "0";
    }

    private static long Signed(Random random) => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);

    private static string AnyText(Random random)
    {
        var whole = random.Next(4) == 0 ? "0" : random.Next(1, 10) + Digits(random, random.Next(25));
        var fraction = random.Next(2) == 0 ? "." + Digits(random, random.Next(1, 25)) : "";
        var exponent = random.Next(3) == 0 ? "eE"[random.Next(2)] + new[] { "", "+", "-" }[random.Next(3)] + random.Next(400) : "";
        return (random.Next(2) == 0 ? "-" : "") + whole + fraction + exponent;
    }

    private static string Digits(Random random, int count) => string.Concat(Enumerable.Range(0, count).Select(_ => random.Next(10)));

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
