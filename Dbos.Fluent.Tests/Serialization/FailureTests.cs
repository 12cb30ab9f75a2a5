using System.Text.Json;
using Dbos.Fluent.Errors;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Recorded failures in both formats, and what is made of those that cannot be read.</summary>
public sealed class FailureTests
{
    private static readonly RecordedFailure Rich = new(
        "Shop.Payments.Declined`1[[System.Int32]]", "no \"money\" é😀", "at A\n at B", 42L, """{"limit":1.10,"why":"né"}""")
    {
        BaseTypes = ["Shop.Payments.PaymentException", "System.InvalidOperationException"],
        Inner = [new("System.TimeoutException", "slow", Code: "E1") { Inner = [new("Other", "x", Code: 1.0)] }, new("B.C", "y")],
    };

    private readonly PayloadSerializer serializer = new();

    public static TheoryData<PayloadFormat> Formats => [PayloadFormat.MessagePack, PayloadFormat.PortableJson];

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_failure_comes_back_equal(PayloadFormat format)
    {
        Assert.Equal(ExactText.Of(Rich), ExactText.Of(RoundTrip(Rich, format)));
        Assert.Equal("E1", RoundTrip(Rich, format).Inner[0].Code);
        Assert.True(RoundTrip(Rich, format).Is<TimeoutException>());
        Assert.True(RoundTrip(Rich, format).Is<InvalidOperationException>());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_code_keeps_its_type(PayloadFormat format)
    {
        object?[] codes =
        [
            null, 0L, 42L, long.MaxValue, long.MinValue, (1L << 53) + 1, 1.0, -0.0, 0.1, 1e300, "E1", "", "42",
        ];
        foreach (var code in codes)
        {
            Assert.Equal(ExactText.Of(code), ExactText.Of(RoundTrip(new RecordedFailure("A.B", "m", Code: code), format).Code));
        }

        Assert.Equal(7L, RoundTrip(new RecordedFailure("A.B", "m", Code: 7), format).Code);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Data_comes_back_as_the_text_it_was(PayloadFormat format)
    {
        string?[] texts =
        [
            null, "{}", "[]", "null", "5", "\"text\"",
        """{"a":1}""", """{ "a" : [1, 2.50] }""", """{"dotnet":{"type":"mine"}}""", """{"value":1,"data":2}""",
            "not json", "{", "", new string('[', 40) + new string(']', 40), """{"a":"\u00e9\u0027"}""", """{"a":1,"a":2}""",
        ];
        foreach (var text in texts)
        {
            Assert.Equal(text, RoundTrip(new RecordedFailure("A.B", "m", Data: text), format).Data);
            Assert.Equal(text, RoundTrip(new RecordedFailure("Simple", "m", Data: text), format).Data);
        }
    }

    [Fact]
    public void The_portable_form_is_what_every_library_reads()
    {
        Assert.Equal("""{"name":"Declined","message":"m"}""", Portable(new RecordedFailure("Declined", "m")));
        Assert.Equal(
            """{"name":"Declined","message":"m","code":7,"data":[1]}""",
            Portable(new RecordedFailure("Declined", "m", Code: 7L, Data: "[1]")));
        Assert.Equal(
            """{"name":"Declined","message":"é😀","data":{"limit":1,"dotnet":{"type":"Shop.Declined","stack":"at A"}}}""",
            Portable(new RecordedFailure("Shop.Declined", "é😀", "at A", Data: """{"limit":1}""")));
        Assert.Equal(
            """{"name":"Inner","message":"m","data":{"value":5,"dotnet":{"type":"Shop.Outer+Inner","data":"value"}}}""",
            Portable(new RecordedFailure("Shop.Outer+Inner", "m", Data: "5")));
        Assert.Equal(
            """{"name":"A","message":"m","code":"9007199254740993","data":{"dotnet":{"code":9007199254740993}}}""",
            Portable(new RecordedFailure("A", "m", Code: 9007199254740993)));
        Assert.Equal(
            """{"name":"A","message":"m","data":{"dotnet":{"type":"X.A","bases":["X.B"],"inner":[{"name":"C","message":"n"}]}}}""",
            Portable(new RecordedFailure("X.A", "m") { BaseTypes = ["X.B"], Inner = [new("C", "n")] }));
    }

    [Fact]
    public void Failures_of_other_libraries_are_read()
    {
        var python = Read("""{"name":"PaymentError","message":"no","code":402,"data":{"limit": 1.50}}""");
        Assert.Equal(ExactText.Of(new RecordedFailure("PaymentError", "no", null, 402L, """{"limit": 1.50}""")), ExactText.Of(python));
        Assert.Empty(python.Inner);

        var java = Read("""{ "message" : "no", "data" : null, "name" : "PortableWorkflowException", "code" : "E9" }""");
        Assert.Equal(("PortableWorkflowException", "no", "E9", null), (java.TypeName, java.Message, (string?)java.Code, java.Data));

        Assert.Equal("Error", Read("""{"message":"no"}""").TypeName);
        Assert.Equal("", Read("""{"name":"E"}""").Message);
        Assert.Equal("5", Read("""{"name":"E","message":5}""").Message);
        Assert.Equal("5", Read("""{"name":"E","data":5}""").Data);
        Assert.Equal("""{"dotnet":5}""", Read("""{"name":"E","data":{"dotnet":5}}""").Data);
        Assert.Equal(0.5, Read("""{"name":"E","code":0.5}""").Code);
        Assert.Equal("true", Read("""{"name":"E","code":true}""").Code);
    }

    [Fact]
    public void An_error_that_was_written_again_with_other_blanks_keeps_its_facts()
    {
        var failure = Read(
            """
            {"data": {"dotnet": {"type": "Shop.Declined", "inner": [ {"name":"I","message":"n"} ]}, "limit": 1, "more": [2]},
             "name": "Declined", "message": "m"}
            """);

        Assert.Equal("Shop.Declined", failure.TypeName);
        Assert.Equal("""{"limit":1,"more":[2]}""", failure.Data);
        Assert.Equal("I", Assert.Single(failure.Inner).TypeName);
        Assert.Null(Read("""{"name":"D","message":"m","data":{ "dotnet":{"type":"S.D"} }}""").Data);
    }

    [Theory]
    [InlineData("js_superjson")]
    [InlineData("py_pickle")]
    public void A_failure_of_ours_beside_another_librarys_input_is_read(string format)
    {
        var stored = serializer.EncodeFailure(new RecordedFailure("Some.Exception", "no"), PayloadSerializer.FormatOf(format));

        var failure = serializer.DecodeFailure(stored with { Format = format });

        Assert.Equal(("Some.Exception", "no"), (failure.TypeName, failure.Message));
    }

    [Theory]
    [InlineData(null, "portable_json")]
    [InlineData("", "portable_json")]
    [InlineData("null", "portable_json")]
    [InlineData("5", "portable_json")]
    [InlineData("{\"name\":", "portable_json")]
    [InlineData("{\"name\":\"a\",\"data\":{\"dotnet\":{\"inner\":[5]}}}", "portable_json")]
    [InlineData("AcA=", "dotnet_msgpack")]
    [InlineData("AQU=", "dotnet_msgpack")]
    [InlineData("not base64", "dotnet_msgpack")]
    [InlineData("{\"json\":{\"message\":\"no\"}}", "js_superjson")]
    [InlineData("gASVAAAA", "py_pickle")]
    [InlineData("gASVAAAA", null)]
    public void What_cannot_be_read_is_a_failure_that_holds_the_text(string? text, string? format)
    {
        var failure = serializer.DecodeFailure(new Payload(text, format));

        Assert.Equal(typeof(SerializationFailedException).FullName, failure.TypeName);
        Assert.Contains(text ?? "nothing", failure.Message);
        Assert.Equal(text, failure.Data is null ? null : JsonSerializer.Deserialize<string>(failure.Data));
        Assert.IsType<StepFailedException>(Failures.ForStep(failure, "w", 1, "s"));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_failure_can_always_be_stored(PayloadFormat format)
    {
        var small = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 10_000 });
        var large = new RecordedFailure("A.B", new string('m', 50_000), new string('s', 50_000), "c", "{}") { Inner = [Rich] };

        var cut = small.DecodeFailure(small.EncodeFailure(large, format));

        Assert.Equal(("A.B", "c"), (cut.TypeName, cut.Code));
        Assert.StartsWith("mmmm", cut.Message, StringComparison.Ordinal);
        Assert.Contains("too large", cut.Message);
        Assert.Equal("\ufffd!", RoundTrip(new RecordedFailure("A", "\ud800!"), format).Message);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Very_deep_failures_lose_only_their_deepest_levels(PayloadFormat format)
    {
        var deep = new RecordedFailure("Level0.X", "m", Data: Nested(14));
        for (var level = 1; level < 100; level++)
        {
            deep = new RecordedFailure($"Level{level}.X", "m", Data: Nested(14)) { Inner = [deep] };
        }

        var back = RoundTrip(deep, format);

        var levels = 1;
        for (; back.Inner.Count > 0; back = back.Inner[0], levels++)
        {
            Assert.Equal(Nested(14), back.Data);
        }

        Assert.Equal((12, "Level0.X"), (levels, back.TypeName));
    }

    [Fact]
    public void A_deeply_nested_exception_keeps_its_root_cause()
    {
        Exception deep = new TimeoutException("root");
        for (var level = 1; level < 40; level++)
        {
            deep = level % 2 == 0 ? new InvalidOperationException($"level {level}", deep) : new AggregateException(deep);
        }

        var failure = Failures.Record(deep);

        Assert.True(failure.Is<TimeoutException>());
        Assert.Equal("root", RootCauses.Of(failure).Message);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_failure_that_is_too_large_keeps_its_kind(PayloadFormat format)
    {
        var small = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 10_000 });
        RecordedFailure Attempt(int number, int stack, int message) =>
            new("System.TimeoutException", $"{number}" + Of('m', message), Of('s', stack))
            {
                BaseTypes = ["System.SystemException"],
                Inner = [new("System.Net.Sockets.SocketException", "root", Of('s', stack))],
            };
        RecordedFailure Exhausted(int stack, int message) =>
            new(typeof(MaxStepRetriesExceededException).FullName!, "all failed", Of('s', stack), "DBOS4002", """{"a":1}""")
            {
                BaseTypes = [typeof(DbosException).FullName!],
                Inner = [.. Enumerable.Range(1, 20).Select(number => Attempt(number, stack, message))],
            };

        var stackless = Stored(Exhausted(stack: 5_000, message: 1));
        var brief = Stored(Exhausted(stack: 10, message: 5_000));

        Assert.Equal((20, """{"a":1}""", null), (stackless.Inner.Count, stackless.Data, stackless.Inner[0].StackTrace));
        Assert.Equal(["1", "20"], brief.Inner.Select(inner => inner.Message[..inner.Message.IndexOf('m', StringComparison.Ordinal)]));
        Assert.All([stackless, brief], cut =>
        {
            Assert.True(cut.Is<SystemException>() && cut.Is<System.Net.Sockets.SocketException>() && cut.Is<DbosException>());
            Assert.Contains("too large", cut.Message);
            Assert.IsType<MaxStepRetriesExceededException>(Failures.ForStep(cut, "w", 1, "s"));
        });
        var smallest = new PayloadSerializer(limits: new SerializationLimits { BytesMax = 900 });
        var least = smallest.DecodeFailure(smallest.EncodeFailure(Exhausted(stack: 5_000, message: 5_000), format));
        Assert.IsType<MaxStepRetriesExceededException>(Failures.ForStep(least, "w", 1, "s"));

        static string Of(char letter, int count) => new(letter, count);
        RecordedFailure Stored(RecordedFailure failure) => small.DecodeFailure(small.EncodeFailure(failure, format));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_failure_inside_a_value_is_stored_the_same_way(PayloadFormat format)
    {
        var outcome = new StepOutcome<int>(Succeeded: false, 0, Rich);

        var back = (StepOutcome<int>)serializer.Decode(serializer.Encode(outcome, outcome.GetType(), format), outcome.GetType())!;

        Assert.Equal(ExactText.Of(Rich), ExactText.Of(back.Error));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_users_options_do_not_change_the_stored_form_of_failures(PayloadFormat format)
    {
        var own = new PayloadSerializer(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.KebabCaseUpper });

        Assert.Equal(serializer.EncodeFailure(Rich, format), own.EncodeFailure(Rich, format));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Our_own_exceptions_wake_up_with_their_facts(PayloadFormat format)
    {
        var thrown = new UnexpectedStepException("w \"1\"", 3, "é", "b");

        var back = Failures.ForAwaiter(RoundTrip(Failures.Record(thrown), format), "w \"1\"", null);

        var unexpected = Assert.IsType<UnexpectedStepException>(back);
        Assert.Equal((thrown.WorkflowId, 3), (unexpected.WorkflowId, unexpected.Sequence));
        Assert.Equal(("é", "b"), (unexpected.ExpectedStep, unexpected.RecordedStep));
    }

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private RecordedFailure RoundTrip(RecordedFailure failure, PayloadFormat format) =>
        serializer.DecodeFailure(serializer.EncodeFailure(failure, format));

    private string? Portable(RecordedFailure failure) => serializer.EncodeFailure(failure, PayloadFormat.PortableJson).Text;

    private RecordedFailure Read(string text) => serializer.DecodeFailure(new Payload(text, "portable_json"));
}
