using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Which format a payload is read as.</summary>
public sealed class FormatTests
{
    private readonly PayloadSerializer serializer = new();

    [Theory]
    [InlineData("js_superjson", "TypeScript")]
    [InlineData("py_pickle", "Python")]
    [InlineData("DBOS_JSON", "Go")]
    [InlineData("DBOS_GOB", "Go")]
    [InlineData("java_jackson", "Java")]
    [InlineData("rust_serde", "Rust")]
    [InlineData("my_own", "somebody's own serializer")]
    [InlineData("", "somebody's own serializer")]
    [InlineData("PORTABLE_JSON", "somebody's own serializer")]
    public void A_foreign_format_is_an_error_that_names_it_and_the_remedy(string format, string writer)
    {
        var payload = new Payload("""{"json":{"a":1}}""", format);

        var failed = Assert.Throws<SerializationFailedException>(() => serializer.Decode(payload, typeof(Line)));

        Assert.Contains($"'{format}'", failed.Message);
        Assert.Contains(writer, failed.Message);
        Assert.Contains("portable_json", failed.Message);
        Assert.Equal(typeof(Line).FullName, failed.TypeName);
        Assert.Throws<SerializationFailedException>(() => serializer.DecodeInput(payload, typeof(Line)));
        Assert.Equal(payload.Text, serializer.ToReadableJson(payload));
    }

    [Fact]
    public void A_payload_without_a_format_is_ours_or_json()
    {
        var native = serializer.Encode(new Line("a", 1, 1.10m), typeof(Line), PayloadFormat.MessagePack);

        Assert.Equal(new Line("a", 1, 1.10m), serializer.Decode(native with { Format = null }, typeof(Line)));
        Assert.Equal(
            new Line("a", 1, 1.10m), serializer.Decode(new Payload("""{"Sku":"a","Quantity":1,"Price":"1.10"}""", null), typeof(Line)));
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(new Payload("gASVCg==", null), typeof(Line)));
        Assert.Equal("gASVCg==", serializer.ToReadableJson(new Payload("gASVCg==", null)));
        Assert.Equal("""{"Sku":"a","Quantity":1,"Price":1.10}""", serializer.ToReadableJson(native with { Format = null }));
    }

    [Fact]
    public void Every_version_byte_keeps_a_text_without_a_format_apart_from_json()
    {
        // Versions 1 to 3 share the first letter A, and no JSON value begins with it.
        Assert.StartsWith("A", serializer.Encode(null, typeof(string), PayloadFormat.MessagePack).Text, StringComparison.Ordinal);
        Assert.StartsWith("A", Convert.ToBase64String([3, 0xff, 0xff]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_newer_version_is_an_error_that_says_so()
    {
        var payload = new Payload(Convert.ToBase64String([2, 0xc0]), "dotnet_msgpack");

        var failed = Assert.Throws<SerializationFailedException>(() => serializer.Decode(payload, typeof(string)));

        Assert.Contains("version is 2", failed.Message);
        Assert.Equal(payload.Text, serializer.ToReadableJson(payload));
    }

    [Fact]
    public void Nothing_stored_is_shown_as_nothing() => Assert.Null(serializer.ToReadableJson(default));

    [Fact]
    public void What_follows_a_portable_input_is_portable()
    {
        Assert.Equal(PayloadFormat.PortableJson, PayloadSerializer.FormatOf("portable_json"));
        Assert.Equal(PayloadFormat.MessagePack, PayloadSerializer.FormatOf("dotnet_msgpack"));
        Assert.Equal(PayloadFormat.MessagePack, PayloadSerializer.FormatOf(null));
    }

    [Fact]
    public void What_follows_an_input_of_another_library_is_portable_which_it_reads() =>
        Assert.Equal(PayloadFormat.PortableJson, PayloadSerializer.FormatOf("js_superjson"));
}
