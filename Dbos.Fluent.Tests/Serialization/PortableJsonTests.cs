using System.Numerics;
using System.Text.Json.Serialization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The text that other languages read, and what of theirs is read.</summary>
public sealed class PortableJsonTests
{
    private readonly PayloadSerializer serializer = new();

    private enum Level
    {
        Low,
        High = 5,
    }

    [JsonConverter(typeof(JsonNumberEnumConverter<Numbered>))]
    private enum Numbered
    {
        One = 1,
    }

    [Fact]
    public void Values_are_written_as_the_protocol_says()
    {
        Writes("null", null, typeof(string));
        Writes("null", default(Unit));
        Writes("true", true);
        Writes("\"é😀\u2028<>&'+\"", "é😀\u2028<>&'+");
        Writes("""{"😀\"\\":"\n\u0001"}""", new Dictionary<string, string> { ["😀\"\\"] = "\n\u0001" });
        Writes("1", 1);
        Writes("9007199254740992", 9007199254740992);
        Writes("-9007199254740992", -9007199254740992);
        Writes("\"9007199254740993\"", 9007199254740993);
        Writes("\"-9007199254740993\"", -9007199254740993);
        Writes("\"-9223372036854775808\"", long.MinValue);
        Writes("\"18446744073709551615\"", ulong.MaxValue);
        Writes("7", (ulong)7);
        Writes("7", (Int128)7);
        Writes("\"-170141183460469231731687303715884105728\"", Int128.MinValue);
        Writes("\"340282366920938463463374607431768211455\"", UInt128.MaxValue);
        Writes("\"1.10\"", 1.10m);
        Writes("\"1000000000000000000000000000000\"", BigInteger.Pow(10, 30));
        Writes("1.5", 1.5);
        Writes("\"NaN\"", double.NaN);
        Writes("\"2025-06-15T14:30:00.000Z\"", new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Utc));
        Writes("\"2025-06-15T14:30:00.1234567Z\"", new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Unspecified).AddTicks(1234567));
        Writes("\"2025-06-15T12:30:00.120Z\"", new DateTimeOffset(2025, 6, 15, 14, 30, 0, 120, TimeSpan.FromHours(2)));
        Writes("\"2025-06-15\"", new DateOnly(2025, 6, 15));
        Writes("\"8b6f4a3e-1111-2222-3333-444455556666\"", Guid.Parse("8b6f4a3e-1111-2222-3333-444455556666"));
        Writes("\"AP8=\"", new byte[] { 0, 255 });
        Writes("\"High\"", Level.High);
        Writes("9", (Level)9);
        Writes("1", Numbered.One);
        Writes("[1,\"a\"]", (1, "a"));
        Writes("""{"Sku":"a","Quantity":1,"Price":"9.90"}""", new Line("a", 1, 9.90m));
        Writes("""{"$type":"circle","Radius":2,"Name":"c"}""", new Circle("c", 2), typeof(Shape));
    }

    [Fact]
    public void A_local_time_is_written_in_utc()
    {
        var local = new DateTime(2025, 6, 15, 14, 30, 0, DateTimeKind.Local);

        Assert.Equal(local.ToUniversalTime(), RoundTrip(local));
        Assert.Equal(DateTimeKind.Utc, RoundTrip(local).Kind);
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        Assert.Equal(long.MaxValue, RoundTrip(long.MaxValue));
        Assert.Equal(Int128.MinValue, RoundTrip(Int128.MinValue));
        Assert.Equal(BigInteger.Pow(7, 99), RoundTrip(BigInteger.Pow(7, 99)));
        Assert.Equal("1.10", RoundTrip(1.10m).ToString());
        Assert.Equal(decimal.MaxValue, RoundTrip<decimal?>(decimal.MaxValue));
        Assert.Equal(Level.High, RoundTrip<Level?>(Level.High));
        Assert.Equal(Rights.Read | Rights.Write, RoundTrip(Rights.Read | Rights.Write));
        Assert.Equal((1, "a"), RoundTrip((1, "a")));
        Assert.Equal(new Square("s", 2.50m), RoundTrip<Shape>(new Square("s", 2.50m)));
        Assert.Equal(double.NegativeInfinity, RoundTrip(double.NegativeInfinity));
        Assert.Equal(new Money(0.10m, "EUR"), RoundTrip(new Money(0.10m, "EUR")));
        Assert.Equal("\"\\ \0\u2028😀", RoundTrip("\"\\ \0\u2028😀"));
    }

    [Fact]
    public void What_other_languages_write_is_read()
    {
        Assert.Equal(5, Read<int>("\"5\""));
        Assert.Equal(5, Read<int>(" 5 "));
        Assert.Equal(9007199254740993, Read<long>("9007199254740993"));
        Assert.Equal(1.5m, Read<decimal>("1.5"));
        Assert.Equal(1500m, Read<decimal>("1.5e3"));
        Assert.Equal(BigInteger.Pow(10, 30), Read<BigInteger>("1000000000000000000000000000000"));
        Assert.Equal(Level.High, Read<Level>("5"));
        Assert.Equal(Level.High, Read<Level>("\"high\""));
        Assert.Equal("é", Read<string>("\"\\u00e9\""));
        Assert.Equal(new Circle("c", 2), Read<Shape>("""{"Name":"c","Radius":2,"$type":"circle"}"""));
        Assert.Equal([1, 2], Read<int[]>("[1, 2]"));
    }

    [Theory]
    [InlineData("2025-06-15T14:30:00Z", "2025-06-15T14:30:00.0000000+00:00")]
    [InlineData("2025-06-15T14:30:00.123Z", "2025-06-15T14:30:00.1230000+00:00")]
    [InlineData("2025-06-15T14:30:00.123456789Z", "2025-06-15T14:30:00.1234567+00:00")]
    [InlineData("2025-06-15T14:30:00", "2025-06-15T14:30:00.0000000+00:00")]
    [InlineData("2025-06-15T14:30:00+02:00", "2025-06-15T14:30:00.0000000+02:00")]
    [InlineData("2025-06-15 14:30:00", "2025-06-15T14:30:00.0000000+00:00")]
    [InlineData("Sun, 15 Jun 2025 14:30:00 GMT", "2025-06-15T14:30:00.0000000+00:00")]
    [InlineData("12/31/2025 23:30:00 -01:00", "2025-12-31T23:30:00.0000000-01:00")]
    public void Moments_of_other_languages_are_read(string text, string expected)
    {
        Assert.Equal(expected, Read<DateTimeOffset>($"\"{text}\"").ToString("O"));
        Assert.Equal(DateTimeOffset.Parse(expected).UtcDateTime, Read<DateTime>($"\"{text}\""));
        Assert.Equal(DateTimeKind.Utc, Read<DateTime>($"\"{text}\"").Kind);
    }

    // A parser that fills in today's date gives a replay of tomorrow another input.
    [Theory]
    [InlineData("10:30")]
    [InlineData("10:30:00Z")]
    [InlineData("15 June 10:30")]
    [InlineData("06/15")]
    public void A_moment_without_its_whole_date_is_refused(string text)
    {
        var refused = Assert.Throws<SerializationFailedException>(() => Read<DateTimeOffset>($"\"{text}\""));

        Assert.Contains("whole date", refused.Message);
        Assert.Throws<SerializationFailedException>(() => Read<DateTime>($"\"{text}\""));
    }

    [Fact]
    public void A_map_with_other_keys_than_strings_is_refused()
    {
        var refused = Assert.Throws<SerializationFailedException>(() => Write(new Dictionary<int, string> { [1] = "a" }));

        Assert.Contains("keys of type System.Int32", refused.Message);
        Assert.Throws<SerializationFailedException>(() => Write(new { Inner = new Dictionary<Guid, int>() }));
        Assert.Equal("a", Read<Dictionary<int, string>>("""{"1":"a"}""")[1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("1 2")]
    [InlineData("{} x")]
    [InlineData("// a\n1")]
    [InlineData("[1,]")]
    [InlineData("NaN")]
    [InlineData("AcA=")]
    public void Text_that_is_not_one_json_value_is_refused(string text)
    {
        var failed = Assert.Throws<SerializationFailedException>(() => Read<object>(text));

        Assert.Contains("portable_json", failed.Message);
    }

    [Fact]
    public void An_exponent_cannot_ask_for_gigabytes() =>
        Assert.Throws<SerializationFailedException>(() => Read<BigInteger>("1e999999999"));

    [Fact]
    public void The_readable_form_is_the_text_itself() =>
        Assert.Equal("""{"a": 1}""", serializer.ToReadableJson(new Payload("""{"a": 1}""", PayloadSerializer.PortableFormat)));

    private void Writes(string expected, object? value, Type? type = null) =>
        Assert.Equal(
            new Payload(expected, "portable_json"), serializer.Encode(value, type ?? value!.GetType(), PayloadFormat.PortableJson));

    private string? Write(object value) => serializer.Encode(value, value.GetType(), PayloadFormat.PortableJson).Text;

    private T Read<T>(string text) => (T)serializer.Decode(new Payload(text, "portable_json"), typeof(T))!;

    private T RoundTrip<T>(T value) => (T)serializer.Decode(serializer.Encode(value, typeof(T), PayloadFormat.PortableJson), typeof(T))!;
}
