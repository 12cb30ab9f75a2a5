using System.Text.Json;
using System.Text.Json.Serialization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The input envelope of the portable format, and how arguments become one input.</summary>
public sealed class EnvelopeTests
{
    private readonly PayloadSerializer serializer = new();

    [Fact]
    public void Inputs_are_written_with_both_members()
    {
        Writes("""{"positionalArgs":["a"],"namedArgs":{}}""", "a", typeof(string));
        Writes("""{"positionalArgs":[null],"namedArgs":{}}""", null, typeof(string));
        Writes("""{"positionalArgs":[{"Sku":"a","Quantity":1,"Price":"2.0"}],"namedArgs":{}}""", new Line("a", 1, 2.0m), typeof(Line));
        Writes("""{"positionalArgs":[[1,2]],"namedArgs":{}}""", new[] { 1, 2 }, typeof(int[]));
        Writes("""{"positionalArgs":[],"namedArgs":{}}""", default(Unit), typeof(Unit));
    }

    [Fact]
    public void A_value_tuple_is_several_arguments() =>
        Writes("""{"positionalArgs":[1,"a😀"],"namedArgs":{}}""", (1, "a😀"), typeof((int, string)));

    [Fact]
    public void What_was_written_is_read_back()
    {
        Assert.Equal("a", RoundTrip("a"));
        Assert.Null(RoundTrip<string?>(null));
        Assert.Equal(new Line("a", 1, 2.0m), RoundTrip(new Line("a", 1, 2.0m)));
        Assert.Equal([1, 2], RoundTrip<int[]>([1, 2]));
        Assert.Equal([], RoundTrip<int[]>([]));
        Assert.Equal([[1], []], RoundTrip<int[][]>([[1], []]));
        Assert.Equal((1, "a"), RoundTrip((1, "a")));
        Assert.Equal(default, RoundTrip(default(Unit)));
        Assert.Equal(new Dictionary<string, int> { ["a"] = 1 }, RoundTrip(new Dictionary<string, int> { ["a"] = 1 }));
        Assert.Equal(new Circle("c", 1), RoundTrip<Shape>(new Circle("c", 1)));
        Assert.Equal(new Wrapper(new Line("a", 1, 2m)), RoundTrip(new Wrapper(new Line("a", 1, 2m))));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"positionalArgs":[]}""")]
    [InlineData("""{"namedArgs":{}}""")]
    [InlineData("""{"positionalArgs":null,"namedArgs":null}""")]
    [InlineData("""{"positionalArgs" : [], "namedArgs" : {}}""")]
    public void No_argument_is_null_and_no_value_that_nobody_gave(string envelope)
    {
        Assert.Equal(default(Unit), Read<Unit>(envelope));
        Assert.Null(Read<Line>(envelope));
        Assert.Null(Read<int?>(envelope));
        Assert.Throws<SerializationFailedException>(() => Read<int>(envelope));
        Assert.Throws<SerializationFailedException>(() => Read<Money>(envelope));
    }

    [Fact]
    public void Unit_passes_arguments_over() =>
        Assert.Equal(default(Unit), Read<Unit>("""{"positionalArgs":[1,{"a":2}],"namedArgs":{"b":3}}"""));

    [Fact]
    public void One_argument_is_the_input()
    {
        Assert.Equal(5, Read<int>("""{"positionalArgs":[5]}"""));
        Assert.Equal(5, Read<int>("""{"namedArgs":{"n":5}}"""));
        Assert.Equal(new Line("a", 2, 0m), Read<Line>("""{"positionalArgs":[{"Sku":"a","Quantity":2}]}"""));
        Assert.Equal(new Line("a", 2, 0m), Read<Line>("""{"namedArgs":{"line":{"Sku":"a","Quantity":2}}}"""));
    }

    [Fact]
    public void One_argument_that_is_not_the_input_is_its_first_member()
    {
        Assert.Equal(new Single("a"), Read<Single>("""{"positionalArgs":["a"]}"""));
        Assert.Equal(new Line("a", 0, 0m), Read<Line>("""{"positionalArgs":["a"]}"""));
        Assert.Equal(new Wrapper(new Line("a", 1, 2m)), Read<Wrapper>("""{"positionalArgs":[{"Sku":"a","Quantity":1,"Price":2}]}"""));
        Assert.Equal([7], Read<int[]>("""{"positionalArgs":[7]}"""));
    }

    [Fact]
    public void Several_arguments_bind_to_members_in_order()
    {
        Assert.Equal(new Line("a", 2, 1.5m), Read<Line>("""{"positionalArgs":["a",2,"1.5"]}"""));
        Assert.Equal(new Line("a", 2, 0m), Read<Line>("""{"positionalArgs":["a",2]}"""));
        Assert.Equal(new Money(1.5m, "EUR"), Read<Money>("""{"positionalArgs":[1.5,"EUR"]}"""));
        Assert.Equal((1, "a"), Read<(int, string)>("""{"positionalArgs":[1,"a"]}"""));
        Assert.Equal([1, 2, 3], Read<int[]>("""{"positionalArgs":[1,2,3]}"""));
        var required = Read<WithRequired>("""{"positionalArgs":["x",3,["t"]]}""");
        Assert.Equal(("x", 3, "t"), (required.Id, required.Count, required.Tags![0]));
    }

    [Fact]
    public void Constructor_parameters_come_first_and_keep_their_order()
    {
        var mixed = Read<Mixed>("""{"positionalArgs":[1,2,3]}""");

        Assert.Equal((1, 2, 3), (mixed.Second, mixed.First, mixed.Third));
    }

    [Fact]
    public void Named_arguments_bind_by_name_exactly_or_without_case()
    {
        Assert.Equal(new Line("a", 2, 1m), Read<Line>("""{"namedArgs":{"Price":1,"quantity":2,"SKU":"a"}}"""));
        Assert.Equal(new Cased(1, 2), Read<Cased>("""{"namedArgs":{"value":1,"Value":2}}"""));
        Assert.Equal(new Renamed(5, "n"), Read<Renamed>("""{"namedArgs":{"order_id":5,"NOTE":"n"}}"""));
        Assert.Equal(3, Read<Dictionary<string, int>>("""{"namedArgs":{"a":1,"b":2}}""").Values.Sum());
    }

    [Fact]
    public void Positional_arguments_come_first_and_named_ones_fill_up() =>
        Assert.Equal(new Line("a", 2, 1m), Read<Line>("""{"positionalArgs":["a"],"namedArgs":{"price":1,"quantity":2,"unknown":[]}}"""));

    [Theory]
    [InlineData("""{"positionalArgs":["a",2,3,4]}""", "3 members")]
    [InlineData("""{"positionalArgs":["a"],"namedArgs":{"sku":"b"}}""", "given twice")]
    [InlineData("""{"positionalArgs":["a","b"]}""", "Quantity")]
    [InlineData("""{"Sku":"a"}""", "positionalArgs")]
    [InlineData("""["a"]""", "positionalArgs")]
    [InlineData("""{"positionalArgs":{"a":1}}""", "not Array")]
    [InlineData("""{"namedArgs":[1]}""", "not Object")]
    [InlineData("""{"positionalArgs":[1]""", "could not be decoded")]
    public void What_does_not_fit_is_an_error_that_says_why(string envelope, string why)
    {
        var failed = Assert.Throws<SerializationFailedException>(() => Read<Line>(envelope));

        Assert.Contains(why, failed.Message);
        Assert.Equal(typeof(Line).FullName, failed.TypeName);
    }

    [Fact]
    public void Several_arguments_for_one_plain_value_are_an_error()
    {
        Assert.Contains("record", Assert.Throws<SerializationFailedException>(() => Read<int>("""{"positionalArgs":[1,2]}""")).Message);
        Assert.Throws<SerializationFailedException>(() => Read<WithRequired>("""{"namedArgs":{"Id":"x"}}"""));
        Assert.Throws<SerializationFailedException>(() => Read<(int, string)>("""{"positionalArgs":[1,"a",2]}"""));
    }

    [Fact]
    public void Names_follow_the_users_naming_policy()
    {
        var own = new PayloadSerializer(new JsonSerializerOptions(JsonSerializerDefaults.Web));

        Assert.Equal(new Line("a", 2, 1m), own.DecodeInput(new Payload("""{"positionalArgs":["a",2,1]}""", "portable_json"), typeof(Line)));
        Assert.Equal("""{"positionalArgs":[{"sku":"a","quantity":2,"price":"1"}],"namedArgs":{}}""",
            own.EncodeInput(new Line("a", 2, 1m), typeof(Line), PayloadFormat.PortableJson).Text);
    }

    [Fact]
    public void An_input_without_a_format_is_read_as_what_it_is()
    {
        var native = serializer.EncodeInput(new Line("a", 1, 1m), typeof(Line), PayloadFormat.MessagePack);

        Assert.Equal(new Line("a", 1, 1m), serializer.DecodeInput(native with { Format = null }, typeof(Line)));
        Assert.Equal(5, serializer.DecodeInput(new Payload("""{"positionalArgs":[5]}""", null), typeof(int)));
    }

    [Fact]
    public void An_argument_by_name_tells_which_of_the_declared_types_it_is()
    {
        object?[] arguments = [new Circle("c", 1.5), new Dog("Rex", 3), new Line("a", 1, 2m), null];

        var text = serializer.EncodeArguments(arguments, new Dictionary<string, object?> { ["shape"] = new Square("s", 2m) });

        Assert.Equal(
            """{"positionalArgs":[{"$type":"circle","Radius":1.5,"Name":"c"},{"$type":"dog","Name":"Rex","Age":3},"""
            + """{"Sku":"a","Quantity":1,"Price":"2"},null],"namedArgs":{"shape":{"$type":"square","Side":"2","Name":"s"}}}""",
            text.Text);
        var native = serializer.EncodeArgument(new Circle("c", 1.5));
        Assert.Equal(new Circle("c", 1.5), serializer.DecodeInput(native, typeof(Shape)));
        Assert.Equal(new Line("a", 1, 2m), serializer.DecodeInput(serializer.EncodeArgument(new Line("a", 1, 2m)), typeof(Line)));
    }

    [Fact]
    public void An_input_of_which_only_a_computed_member_is_stored_is_not_taken_for_its_first_member()
    {
        var own = new PayloadSerializer(new JsonSerializerOptions { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull });
        var stored = own.EncodeInput(new Kinded(null), typeof(Kinded), PayloadFormat.PortableJson);

        Assert.Equal("""{"positionalArgs":[{"Kind":"kinded"}],"namedArgs":{}}""", stored.Text);
        Assert.Equal(new Kinded(null), own.DecodeInput(stored, typeof(Kinded)));
    }

    private void Writes(string expected, object? input, Type type) =>
        Assert.Equal(new Payload(expected, "portable_json"), serializer.EncodeInput(input, type, PayloadFormat.PortableJson));

    private T Read<T>(string text) => (T)serializer.DecodeInput(new Payload(text, "portable_json"), typeof(T))!;

    private T RoundTrip<T>(T input) =>
        (T)serializer.DecodeInput(serializer.EncodeInput(input, typeof(T), PayloadFormat.PortableJson), typeof(T))!;

    private sealed record Single(string Name);

    private sealed record Kinded(object? Content)
    {
        public string Kind => "kinded";
    }

    private sealed record Wrapper(Line Line);

    private sealed record Cased([property: JsonPropertyName("value")] int Lower, [property: JsonPropertyName("Value")] int Upper);

    private sealed record Renamed([property: JsonPropertyName("order_id")] int Id, string Note);

    private sealed class Mixed(int second, int first)
    {
        public int Third { get; set; }

        public int First { get; } = first;

        public int Second { get; } = second;
    }
}
