using System.Globalization;
using System.Text.Json;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Our bytes are MessagePack to a library that is not ours, and its bytes are values to us.</summary>
public sealed class IndependentReaderTests
{
    private const string Script = "msgpack.mjs";

    private readonly PayloadSerializer serializer = new();

    [Fact]
    public async Task Another_library_reads_what_we_write()
    {
        var random = new RandomJson(seed: 11);
        List<string> values = [.. Enumerable.Range(0, 400).Select(_ => random.Value()), .. RandomJson.Borders()];

        var answers = await NodeScript.AnswersAsync(Script, [.. values.Select(json => "decode " + Encode(json))]);

        for (var index = 0; index < values.Count; index++)
        {
            using var expected = JsonDocument.Parse(values[index]);
            Assert.False(answers[index].StartsWith("error", StringComparison.Ordinal), answers[index]);
            using var actual = JsonDocument.Parse(answers[index]);
            AssertSame(expected.RootElement, actual.RootElement);
        }
    }

    [Fact]
    public async Task We_read_what_another_library_writes()
    {
        var random = new RandomJson(seed: 12);
        List<string> values = [.. Enumerable.Range(0, 200).Select(_ => random.Value()), .. RandomJson.Borders().Take(6)];

        // What JavaScript makes of a number is what it writes, so a number that it rounds is compared as it was rounded.
        var answers = await NodeScript.AnswersAsync(Script, [.. values.Select(json => Write(json, "{}"))]);

        for (var index = 0; index < values.Count; index++)
        {
            using var expected = JsonDocument.Parse(values[index]);
            using var actual = JsonDocument.Parse(Decode(answers[index]));
            AssertSame(expected.RootElement, actual.RootElement, rounded: true);
        }
    }

    [Fact]
    public async Task Forms_that_we_never_write_are_read()
    {
        (string Value, string Options, string Expected)[] forms =
        [
            ("1.5", """{"forceFloat32":true}""", "1.5"),
            ("0.1", """{"forceFloat32":true}""", "0.10000000149011612"),
            ("[1,-1]", """{"forceIntegerToFloat":true}""", "[1,-1]"),
            ("""{"$bigint":"18446744073709551615"}""", "{}", "18446744073709551615"),
            ("""[{"$bigint":"1"},{"$bigint":"-9223372036854775808"}]""", "{}", "[1,-9223372036854775808]"),
            ("""{"$digits":"1.10"}""", "{}", "1.10"),
            ("""{"$bytes":"AP8="}""", "{}", "\"AP8=\""),
            ("""{"b":1,"a":2}""", """{"sortKeys":true}""", """{"a":2,"b":1}"""),
        ];

        var answers = await NodeScript.AnswersAsync(Script, [.. forms.Select(form => Write(form.Value, form.Options))]);

        Assert.Equal(forms.Select(form => form.Expected), answers.Select(Decode));
    }

    [Fact]
    public async Task Extensions_without_a_json_value_are_refused()
    {
        var answers = await NodeScript.AnswersAsync(Script, [Write("""{"$date":"2026-01-01T00:00:00Z"}""", "{}")]);

        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Payload(answers[0]), typeof(object)));
    }

    private static string Write(string value, string options) => "encode {\"value\":" + value + ",\"options\":" + options + "}";

    private string Encode(string json)
    {
        using var value = JsonDocument.Parse(json);
        return serializer.Encode(value.RootElement, typeof(JsonElement), PayloadFormat.MessagePack).Text!;
    }

    private string Decode(string base64) => ((JsonElement)serializer.Decode(Payload(base64), typeof(JsonElement))!).GetRawText();

    // The other library writes the value; the version before it is ours.
    private static Payload Payload(string base64) =>
        new(Convert.ToBase64String([1, .. Convert.FromBase64String(base64)]), PayloadSerializer.NativeFormat);

    private static void AssertSame(JsonElement expected, JsonElement actual, bool rounded = false)
    {
        Assert.Equal(expected.ValueKind, actual.ValueKind);
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                Assert.Equal(expected.GetPropertyCount(), actual.GetPropertyCount());
                var members = actual.EnumerateObject().ToDictionary(member => member.Name, member => member.Value);
                foreach (var member in expected.EnumerateObject())
                {
                    AssertSame(member.Value, members[member.Name], rounded);
                }

                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                foreach (var (first, second) in expected.EnumerateArray().Zip(actual.EnumerateArray()))
                {
                    AssertSame(first, second, rounded);
                }

                break;
            case JsonValueKind.Number:
                AssertSameNumber(expected.GetRawText(), actual.GetRawText(), rounded);
                break;
            default:
                Assert.Equal(expected.ToString(), actual.ToString());
                break;
        }
    }

    private static void AssertSameNumber(string expected, string actual, bool rounded)
    {
        // The two languages print the same double differently; integers and digits are the same text in both.
        if (expected != actual)
        {
            Assert.True(rounded || expected.Contains('E') || actual.Contains('e'), $"{expected} came back as {actual}");
            Assert.Equal(double.Parse(expected, CultureInfo.InvariantCulture), double.Parse(actual, CultureInfo.InvariantCulture));
        }
    }
}
