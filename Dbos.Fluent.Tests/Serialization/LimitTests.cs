using System.Text.Json;
using System.Text.Json.Serialization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The limits of depth and size: the same on write and on read, in both formats.</summary>
public sealed class LimitTests
{
    private readonly PayloadSerializer serializer = new();

    public static TheoryData<PayloadFormat> Formats => [PayloadFormat.MessagePack, PayloadFormat.PortableJson];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Sixty_four_levels_pass_and_sixty_five_do_not(PayloadFormat format)
    {
        var payload = serializer.Encode(Nested(64), typeof(object), format);
        Assert.Equal(JsonValueKind.Array, ((JsonElement)serializer.Decode(payload, typeof(object))!).ValueKind);

        var refused = Assert.Throws<SerializationFailedException>(() => serializer.Encode(Nested(65), typeof(object), format));
        Assert.Contains("64 levels", refused.Message);
        Assert.Throws<SerializationFailedException>(() => serializer.Encode(JsonNested(65), typeof(JsonElement), format));
        Assert.NotNull(serializer.Encode(JsonNested(64), typeof(JsonElement), format).Text);
    }

    [Fact]
    public void Depth_is_checked_on_read()
    {
        Assert.Throws<SerializationFailedException>(() => Portable(65));
        Assert.NotNull(Portable(64));
        Assert.NotNull(Packed(64));
        Assert.Throws<SerializationFailedException>(() => Packed(65));
        Assert.Throws<SerializationFailedException>(() => Packed(1_000_000));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_envelope_takes_nothing_from_the_depth_of_an_input(PayloadFormat format)
    {
        var payload = serializer.EncodeInput(Nested(64), typeof(object), format);

        Assert.NotNull(serializer.DecodeInput(payload, typeof(object)));
        Assert.Throws<SerializationFailedException>(() => serializer.EncodeInput(Nested(65), typeof(object), format));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_object_that_contains_itself_is_refused(PayloadFormat format)
    {
        var node = new Node();
        node.Next = node;

        var refused = Assert.Throws<SerializationFailedException>(() => serializer.Encode(node, typeof(Node), format));

        Assert.Contains("must not contain themselves", refused.Message);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_size_limit_is_exact_on_write_and_on_read(PayloadFormat format)
    {
        // A version byte and three bytes of header, or two quotes.
        var overhead = format == PayloadFormat.MessagePack ? 4 : 2;
        var small = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 1000 });
        var fits = new string('x', 1000 - overhead);

        Assert.Equal(fits, small.Decode(small.Encode(fits, typeof(string), format), typeof(string)));
        var refused = Assert.Throws<SerializationFailedException>(() => small.Encode(fits + "x", typeof(string), format));
        Assert.Contains("1000 bytes", refused.Message);
        var larger = serializer.Encode(fits + "x", typeof(string), format);
        Assert.Contains("1000 bytes", Assert.Throws<SerializationFailedException>(() => small.Decode(larger, typeof(string))).Message);
        Assert.Equal(larger.Text, small.ToReadableJson(larger) == larger.Text ? larger.Text : "\"" + fits + "x\"");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Sixty_four_mebibytes_are_the_default(PayloadFormat format)
    {
        var large = new string('x', (64 * 1024 * 1024) - 10);

        Assert.Equal(large, serializer.Decode(serializer.Encode(large, typeof(string), format), typeof(string)));
        Assert.Throws<SerializationFailedException>(() => serializer.Encode(large + "0123456789", typeof(string), format));
    }

    [Fact]
    public void Characters_that_json_escapes_do_not_count_six_times()
    {
        var small = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 10_000 });
        var controls = new string('\u0001', 9_900);

        Assert.Equal(controls, small.Decode(small.Encode(controls, typeof(string), PayloadFormat.MessagePack), typeof(string)));
    }

    [Fact]
    public void Arguments_by_name_are_counted_in_bytes_as_their_reader_does()
    {
        var small = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 100 });
        object?[] half = [new string('é', 25)];
        var none = new Dictionary<string, object?>();

        Assert.Equal(half[0], small.DecodeInput(small.EncodeArguments(half, none), typeof(string)));
        Assert.Throws<SerializationFailedException>(() => small.EncodeArguments([new string('é', 35)], none));
    }

    [Fact]
    public void A_limit_below_one_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SerializationLimits { BytesMax = 0 });

    [Fact]
    public void Depth_written_by_a_converter_is_counted_too()
    {
        var own = new JsonSerializerOptions();
        own.Converters.Add(new Digger());

        var digging = new PayloadSerializer(own);

        Assert.Throws<SerializationFailedException>(() => digging.Encode(new Node(), typeof(Node), PayloadFormat.PortableJson));
    }

    private static object Nested(int depth)
    {
        object value = 1;
        for (var level = 0; level < depth; level++)
        {
            value = new[] { value };
        }

        return value;
    }

    private static JsonElement JsonNested(int depth)
    {
        using var parsed = JsonDocument.Parse(new string('[', depth) + new string(']', depth), new JsonDocumentOptions { MaxDepth = 100 });
        return parsed.RootElement.Clone();
    }

    private object? Portable(int depth) =>
        serializer.Decode(new Payload(new string('[', depth) + new string(']', depth), "portable_json"), typeof(object));

    private object? Packed(int depth)
    {
        byte[] bytes = [1, .. Enumerable.Repeat((byte)0x91, depth), 0xc0];
        return serializer.Decode(new Payload(Convert.ToBase64String(bytes), "dotnet_msgpack"), typeof(object));
    }

    private sealed class Digger : JsonConverter<Node>
    {
        public override Node Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Node value, JsonSerializerOptions options)
        {
            for (var level = 0; level < 65; level++)
            {
                writer.WriteStartArray();
            }

            for (var level = 0; level < 65; level++)
            {
                writer.WriteEndArray();
            }
        }
    }
}
