using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Damaged or hostile bytes are a <see cref="SerializationFailedException"/>, never anything else, with little memory.</summary>
public sealed class HostileBytesTests
{
    private const int Seed = 7;
    private const int Mutations = 20_000;

    private readonly PayloadSerializer serializer = new();

    [Theory]
    [InlineData("", "empty")]
    [InlineData("01", "ends")]
    [InlineData("00c0", "version")]
    [InlineData("01c1", "begins no value")]
    [InlineData("01c0c0", "follow")]
    [InlineData("01a3", "ends")]
    [InlineData("01a36161", "ends")]
    [InlineData("01a1ff", "UTF-8")]
    [InlineData("01a3eda080", "UTF-8")]
    [InlineData("01a2c080", "UTF-8")]
    [InlineData("01d9ff61", "declared")]
    [InlineData("01dbffffffff61", "declared")]
    [InlineData("01dc", "ends")]
    [InlineData("01dcffff", "declared")]
    [InlineData("01ddffffffffc0", "declared")]
    [InlineData("01dfffffffffa161c0", "declared")]
    [InlineData("01de0002a161c0a1", "ends")]
    [InlineData("0192c0", "declared")]
    [InlineData("018101c0", "not a text")]
    [InlineData("0181c0c0", "not a text")]
    [InlineData("0181c40161c0", "not a text")]
    [InlineData("01cb0000", "ends")]
    [InlineData("01cf00", "ends")]
    [InlineData("01c6ffffffff00", "declared")]
    [InlineData("01d44f31", "extension type 79")]
    [InlineData("01d6ff00000000", "extension type -1")]
    [InlineData("01c7004e", "the number")]
    [InlineData("01d54e312c", "the number")]
    [InlineData("01d74e317d2c2261223a31", "the number")]
    [InlineData("01c7ff4e31", "declared")]
    public void Malformed_bytes_are_refused_with_the_reason(string hex, string reason)
    {
        var payload = new Payload(Convert.ToBase64String(Convert.FromHexString(hex)), "dotnet_msgpack");

        var failed = Assert.Throws<SerializationFailedException>(() => serializer.Decode(payload, typeof(object)));

        Assert.Contains(reason, failed.Message);
        Assert.Equal(payload.Text, serializer.ToReadableJson(payload));
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AcA")]
    [InlineData("=AcA=")]
    [InlineData("{}")]
    [InlineData("AcA=é")]
    public void Text_that_is_not_base64_is_refused(string text)
    {
        var payload = new Payload(text, "dotnet_msgpack");

        Assert.Contains("base64", Assert.Throws<SerializationFailedException>(() => serializer.Decode(payload, typeof(object))).Message);
    }

    [Fact]
    public void Mutated_payloads_decode_or_are_refused()
    {
        var random = new Random(Seed);
        var originals = Originals();
        var refused = 0;
        for (var index = 0; index < Mutations; index++)
        {
            var (bytes, type) = originals[random.Next(originals.Count)];
            var payload = new Payload(Convert.ToBase64String(Mutate(random, bytes)), "dotnet_msgpack");
            refused += IsRefused(() => serializer.Decode(payload, type), payload) ? 1 : 0;
            if (index % 4 == 0)
            {
                Assert.NotNull(serializer.ToReadableJson(payload));
                Assert.NotNull(serializer.DecodeFailure(payload));
            }
        }

        // A fuzz that everything survives, or nothing, would test nothing.
        Assert.InRange(refused, Mutations / 4, Mutations - (Mutations / 50));
    }

    [Fact]
    public void Mutated_texts_decode_or_are_refused()
    {
        var random = new Random(Seed);
        string[] originals =
        [
            """{"positionalArgs":["a",{"x":[1,2.5,true,null]}],"namedArgs":{"Price":"1.10"}}""",
            serializer.EncodeFailure(Failure(), PayloadFormat.PortableJson).Text!,
            serializer.Encode(new Circle("c", 1.5), typeof(Shape), PayloadFormat.PortableJson).Text!,
        ];
        for (var index = 0; index < Mutations; index++)
        {
            var original = System.Text.Encoding.UTF8.GetBytes(originals[random.Next(originals.Length)]);
            var payload = new Payload(System.Text.Encoding.Latin1.GetString(Mutate(random, original)), "portable_json");
            switch (index % 4)
            {
                case 0:
                    IsRefused(() => serializer.Decode(payload, typeof(Shape)), payload);
                    break;
                case 1:
                    IsRefused(() => serializer.DecodeInput(payload, typeof(Line)), payload);
                    break;
                case 2:
                    IsRefused(() => serializer.DecodeInput(payload, typeof((string, object))), payload);
                    break;
                default:
                    Assert.NotNull(serializer.DecodeFailure(payload));
                    break;
            }
        }
    }

    [Fact]
    public void Declared_sizes_do_not_reserve_memory()
    {
        var payload = new Payload(Convert.ToBase64String([1, 0xdd, 0x7f, 0xff, 0xff, 0xff, 0xc0]), "dotnet_msgpack");
        IsRefused(() => serializer.Decode(payload, typeof(int[])), payload);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.True(IsRefused(() => serializer.Decode(payload, typeof(int[])), payload));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static bool IsRefused(Func<object?> decode, Payload payload)
    {
        try
        {
            decode();
            return false;
        }
        catch (SerializationFailedException)
        {
            return true;
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"'{payload.Text}' gave {exception.GetType()}", exception);
        }
    }

    private List<(byte[] Bytes, Type Type)> Originals()
    {
        (object Value, Type Type)[] values =
        [
            (new Order("o", DateTimeOffset.UnixEpoch, [new("a", 1, 1.10m), new("b", 2, 3m)], Colour.Green, "é😀"), typeof(Order)),
            (new Page<Money>([new(1.1m, "A")], new() { ["k"] = [new(2m, "B")] }, new(3m, "")), typeof(Page<Money>)),
            (new Square("s", 79228162514264337593543950335m), typeof(Shape)),
            ((1, "two", 3.0, new[] { long.MinValue, long.MaxValue }), typeof((int, string, double, long[]))),
            (Failure(), typeof(RecordedFailure)),
            (Enumerable.Range(20, 20).Select(number => new string('x', number)).ToArray(), typeof(string[])),
        ];
        return [.. values.Select(value => (Encode(value.Value, value.Type), value.Type))];
    }

    private byte[] Encode(object value, Type type) =>
        Convert.FromBase64String(serializer.Encode(value, type, PayloadFormat.MessagePack).Text!);

    private static RecordedFailure Failure() =>
        new("A.B", "m", "s", 1.0, """{"a":1}""") { Inner = [new("C", "n", Code: "x")], BaseTypes = ["D.E"] };

    private static byte[] Mutate(Random random, byte[] original)
    {
        var bytes = original.ToList();
        for (var count = random.Next(1, 4); count > 0 && bytes.Count > 0; count--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 20), bytes.Count - at)));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }
}
