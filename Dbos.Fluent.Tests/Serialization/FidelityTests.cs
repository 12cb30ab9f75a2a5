using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The exact format gives back what it was given: equal value, equal type, equal scale, kind and offset.</summary>
public sealed class FidelityTests
{
    private static readonly DateTime Moment = new(2026, 2, 3, 4, 5, 6, 789);

    private static readonly Dictionary<string, (object? Value, Type Type)> Values = new()
    {
        ["bool"] = Of(true),
        ["int min"] = Of(int.MinValue),
        ["int max"] = Of(int.MaxValue),
        ["byte"] = Of(byte.MaxValue),
        ["sbyte"] = Of(sbyte.MinValue),
        ["short"] = Of(short.MinValue),
        ["uint"] = Of(uint.MaxValue),
        ["long min"] = Of(long.MinValue),
        ["long max"] = Of(long.MaxValue),
        ["ulong max"] = Of(ulong.MaxValue),
        ["Int128"] = Of(Int128.MinValue),
        ["UInt128"] = Of(UInt128.MaxValue),
        ["BigInteger"] = Of(BigInteger.Pow(7, 300)),
        ["BigInteger negative"] = Of(-BigInteger.Pow(3, 90)),
        ["BigInteger zero"] = Of(BigInteger.Zero),
        ["decimal with scale"] = Of(1.10m),
        ["decimal zero with scale"] = Of(0.000m),
        ["decimal negative zero with scale"] = Of(new decimal(0, 0, 0, isNegative: true, 2)),
        ["decimal max"] = Of(decimal.MaxValue),
        ["decimal smallest"] = Of(0.0000000000000000000000000001m),
        ["decimal whole"] = Of(12m),
        ["double pi"] = Of(Math.PI),
        ["double max"] = Of(double.MaxValue),
        ["double epsilon"] = Of(double.Epsilon),
        ["double negative zero"] = Of(-0.0),
        ["double whole and large"] = Of(1e15),
        ["double NaN"] = Of(double.NaN),
        ["double infinity"] = Of(double.PositiveInfinity),
        ["double negative infinity"] = Of(double.NegativeInfinity),
        ["float"] = Of(0.1f),
        ["float max"] = Of(float.MaxValue),
        ["float NaN"] = Of(float.NaN),
        ["Half"] = Of((Half)1.5),
        ["Half NaN"] = Of(Half.NaN),
        ["char"] = Of('é'),
        ["string empty"] = Of(""),
        ["string with everything"] = Of("a\"b\\c\0\u0001\b\f\n\r\té\u2028\ufffd😀\ud83d\ude00\uffff</script>+'&"),
        ["string null"] = Of<string?>(null),
        ["string of 10 MB"] = Of(new string('x', 5_000_000) + new string('é', 2_500_000)),
        ["string of emoji"] = Of(string.Concat(Enumerable.Repeat("😀", 70_000))),
        ["DateTime utc"] = Of(DateTime.SpecifyKind(Moment, DateTimeKind.Utc)),
        ["DateTime local"] = Of(DateTime.SpecifyKind(Moment, DateTimeKind.Local)),
        ["DateTime unspecified"] = Of(Moment.AddTicks(1)),
        ["DateTime max"] = Of(DateTime.MaxValue),
        ["DateTimeOffset"] = Of(new DateTimeOffset(Moment.AddTicks(9), TimeSpan.FromMinutes(-570))),
        ["DateOnly"] = Of(new DateOnly(2026, 2, 28)),
        ["TimeOnly"] = Of(new TimeOnly(23, 59, 59, 999, 999)),
        ["TimeSpan"] = Of(TimeSpan.FromTicks(-12345678901234567)),
        ["TimeSpan max"] = Of(TimeSpan.MaxValue),
        ["Guid"] = Of(Guid.Parse("8b6f4a3e-1111-2222-3333-444455556666", CultureInfo.InvariantCulture)),
        ["byte[]"] = Of<byte[]>([0, 1, 254, 255]),
        ["byte[] empty"] = Of<byte[]>([]),
        ["Uri"] = Of(new Uri("https://example.org/a?b=c#d")),
        ["Version"] = Of(new Version(1, 2, 3, 4)),
        ["enum"] = Of(Colour.Green),
        ["enum undefined"] = Of((Colour)99),
        ["enum flags"] = Of(Rights.Read | Rights.Write),
        ["enum of long"] = Of(Rights.Admin),
        ["int? null"] = Of<int?>(null),
        ["int? value"] = Of<int?>(5),
        ["int[] empty"] = Of<int[]>([]),
        ["long[] of 70,000"] = Of(Enumerable.Range(0, 70_000).Select(number => (long)number * number).ToArray()),
        ["int?[]"] = Of<int?[]>([1, null, 3]),
        ["jagged"] = Of<int[][]>([[], [1], [2, 3]]),
        ["list of lists"] = Of<List<List<string?>>>([[], ["a", null]]),
        ["IReadOnlyList"] = (new List<int> { 1, 2 }, typeof(IReadOnlyList<int>)),
        ["HashSet"] = Of<HashSet<string>>(["b", "a"]),
        ["ImmutableArray"] = Of<ImmutableArray<decimal>>([1.0m, 2.00m]),
        ["map"] = Of(new Dictionary<string, decimal> { ["b"] = 1.50m, ["a"] = 2m, [""] = 3m }),
        ["map of int"] = Of(new Dictionary<int, string> { [-1] = "x" }),
        ["map of enum"] = Of(new Dictionary<Colour, int> { [Colour.Green] = 1 }),
        ["map of 20"] = Of(Enumerable.Range(0, 20).ToDictionary(number => $"key {number}", number => number)),
        ["KeyValuePair"] = Of(KeyValuePair.Create("a", 1.0m)),
        ["record"] = Of(new Order(
            "o-1", new DateTimeOffset(Moment, TimeSpan.FromHours(2)), [new("a", 1, 9.90m), new("b", 2, 0m)], Colour.Red)),
        ["record struct"] = Of(new Money(12.340m, "EUR")),
        ["nested generics"] = Of(new Page<Money?>([new(1m, "A"), null], new() { ["x"] = [new(2.0m, "B")], ["y"] = [] }, null)),
        ["required members"] = Of(new WithRequired { Id = "a", Count = 0, Tags = [] }),
        ["public fields"] = Of(new WithFields { Number = 4, Text = "four" }),
        ["polymorphic record"] = (new Circle("c", 1.5), typeof(Shape)),
        ["polymorphic list"] = Of<List<Shape>>([new Circle("c", 0.1), new Square("s", 2.50m)]),
        ["polymorphic interface"] = (new Dog("Rex", 3), typeof(IAnimal)),
        ["value tuple"] = Of((1, "a")),
        ["value tuple of nothing"] = Of(ValueTuple.Create()),
        ["value tuple with names and nulls"] = Of<(decimal Price, string? Note, int? Count)>((1.10m, null, 2)),
        ["value tuple nested"] = Of(((1, 2), new[] { ("x", 3L) })),
        ["value tuple of ten"] = Of((1, 2, 3, 4, 5, 6, 7, "eight", 9.0m, '0')),
        ["value tuple nullable"] = Of<(int, string)?>((1, "x")),
        ["value tuple nullable null"] = Of<(int, string)?>(null),
        ["map of value tuples"] = Of(new Dictionary<string, (int Low, int High)> { ["a"] = (1, 2) }),
        ["tuple"] = Of(Tuple.Create(1, "a", 2.0m)),
        ["unit"] = Of(default(Unit)),
        ["optional"] = Of(new Optional<string?>(HasValue: true, null)),
        ["optional of none"] = Of(default(Optional<int>)),
        ["anonymous"] = Anonymous(new { A = 1, B = new { C = "x" } }),
    };

    private readonly PayloadSerializer serializer = new();

    public static TheoryData<string> Names => [.. Values.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_value_comes_back_equal_in_every_detail(string name)
    {
        var (value, type) = Values[name];

        var payload = serializer.Encode(value, type, PayloadFormat.MessagePack);

        Assert.Equal(PayloadSerializer.NativeFormat, payload.Format);
        Assert.Equal(ExactText.Of(value), ExactText.Of(serializer.Decode(payload, type)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_input_comes_back_equal_in_every_detail(string name)
    {
        var (value, type) = Values[name];

        var payload = serializer.EncodeInput(value, type, PayloadFormat.MessagePack);

        Assert.Equal(ExactText.Of(value), ExactText.Of(serializer.DecodeInput(payload, type)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_readable_form_is_json(string name)
    {
        var (value, type) = Values[name];

        var text = serializer.ToReadableJson(serializer.Encode(value, type, PayloadFormat.MessagePack));

        Assert.NotNull(text);
        using var parsed = JsonDocument.Parse(text);
    }

    [Fact]
    public void Null_is_a_value_with_a_text()
    {
        Assert.Equal(new Payload("AcA=", "dotnet_msgpack"), serializer.Encode(null, typeof(string), PayloadFormat.MessagePack));
        Assert.Equal(new Payload("null", "portable_json"), serializer.Encode(null, typeof(string), PayloadFormat.PortableJson));
        Assert.NotNull(serializer.Encode(null, typeof(Unit), PayloadFormat.MessagePack).Text);
        Assert.NotNull(serializer.Encode(null, typeof(int), PayloadFormat.MessagePack).Text);
    }

    [Fact]
    public void No_text_is_the_default_of_the_type()
    {
        Assert.Equal(0, serializer.Decode(default, typeof(int)));
        Assert.Equal(default(Unit), serializer.Decode(default, typeof(Unit)));
        Assert.Equal(default(Money), serializer.Decode(new Payload(null, "js_superjson"), typeof(Money)));
        Assert.Null(serializer.Decode(default, typeof(string)));
        Assert.Null(serializer.Decode(default, typeof(int?)));
    }

    [Fact]
    public void No_input_is_one_only_where_none_is_taken()
    {
        Assert.Equal(default(Unit), serializer.DecodeInput(default, typeof(Unit)));
        Assert.Throws<SerializationFailedException>(() => serializer.DecodeInput(default, typeof(Guid)));
        Assert.Throws<SerializationFailedException>(() => serializer.DecodeInput(default, typeof(string)));
    }

    [Fact]
    public void Unit_reads_whatever_another_writer_gave_for_nothing()
    {
        Assert.Equal(default(Unit), serializer.Decode(new Payload("null", "portable_json"), typeof(Unit)));
        Assert.Equal(default(Unit), serializer.Decode(new Payload("{\"a\":[1]}", "portable_json"), typeof(Unit)));
    }

    private static (object? Value, Type Type) Of<T>(T value) => (value, typeof(T));

    private static (object? Value, Type Type) Anonymous(object value) => (value, value.GetType());
}
