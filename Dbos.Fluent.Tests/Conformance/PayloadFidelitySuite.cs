using System.Collections.Immutable;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Values through checkpoints: what a step returned is what every run sees. Scenarios SZ-05 to SZ-07.</summary>
public abstract partial class PayloadFidelitySuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private readonly List<(WorkflowDefinition Definition, Func<WorkflowEngine, Task> Run, Action Compare)> cases = [];

    [Fact]
    public async Task A_result_is_the_same_in_value_and_type_on_the_first_run_and_on_a_replay()
    {
        Add(int.MinValue);
        Add(long.MaxValue);
        Add(ulong.MaxValue);
        Add(1.10m);
        Add(decimal.MaxValue);
        Add(double.Epsilon);
        Add(double.NaN);
        Add(float.MaxValue);
        Add(BigInteger.Pow(7, 100));
        Add(true);
        Add('\u20ac');
        Add("text with \u0000 and \ud83d\ude00");
        Add<string?>(null);
        Add<int?>(null);
        Add(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc).AddTicks(1));
        Add(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Unspecified));
        Add(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(5.5)).AddTicks(7));
        Add(new DateOnly(2026, 2, 28));
        Add(new TimeOnly(23, 59, 59));
        Add(TimeSpan.FromTicks(-1));
        Add(new Guid("11112222-3333-4444-5555-666677778888"));
        Add(DayOfWeek.Friday);
        Add(new byte[] { 0, 255, 1 });
        Add(Array.Empty<int>());
        Add(new List<List<string?>> { new() { "a", null }, new() });
        Add(new Dictionary<string, ImmutableArray<decimal>> { ["a"] = [1.0m, 1.00m], [""] = [] });
        Add((1, "two", 3.0m));
        Add(new Uri("https://example.com/a?b=c"));
        await RunAllAsync();
    }

    [Fact]
    public async Task Records_with_bases_interfaces_fields_and_required_members_come_back_as_they_were()
    {
        Add<Shape>(new Square(2, "red"));
        Add<Shape>(new Circle { Radius = 1.50m });
        Add<IReadOnlyList<Shape>>([new Square(1, "blue"), new Circle { Radius = 2 }]);
        Add<IReadOnlyDictionary<string, int>>(new Dictionary<string, int> { ["one"] = 1 });
        Add(new WithField { Value = 3 });
        Add(new Pair<Square, Guid?>(new Square(3, "green"), null));
        Add(default(Unit));
        Add(new Optional<string>(true, "there"));
        await RunAllAsync();
    }

    [Fact]
    public async Task A_result_of_ten_megabytes_comes_back_whole()
    {
        var bytes = new byte[10_000_000];
        new Random(7).NextBytes(bytes);
        var workflow = Workflow.Define<Unit, bool>("large", Body);
        var engine = await LaunchAsync(workflow);
        Assert.True(await engine.RunAsync(workflow, default, "A"));

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.True(await engine.Retrieve<bool>("A").ResultAsync());

        async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("large", async _ => bytes).As(out var large);
            yield return !ReferenceEquals(bytes, large.Result) && bytes.AsSpan().SequenceEqual(large.Result);
        }
    }

    [Fact]
    public async Task Input_and_output_pass_through_an_interface()
    {
        var workflow = Workflow.Define<IReadOnlyList<int>, IReadOnlyList<int>>("list", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal([3, 2, 1], await engine.RunAsync(workflow, [1, 2, 3], "A"));

        static async IAsyncEnumerable<StepOr<IReadOnlyList<int>>> Body(IReadOnlyList<int> input, WorkflowContext workflow)
        {
            yield return StepOr.Result<IReadOnlyList<int>>([.. input.Reverse()]);
        }
    }

    [Fact]
    public async Task A_result_that_the_body_changes_later_is_stored_as_it_was()
    {
        var workflow = Workflow.Define<Unit, string>("mutable", Body);
        var engine = await LaunchAsync(workflow);
        var first = await engine.RunAsync(workflow, default, "A");
        const string Rows = "SELECT function_id, output FROM operation_outputs ORDER BY function_id";
        var before = await Database.QueryAsync(Rows);

        engine = await FlipAndRelaunchAsync(engine, ["A"], workflow);

        Assert.Equal("1,2,99 of 1,2,99", first);
        Assert.Equal(first, await engine.Retrieve<string>("A").ResultAsync());
        Assert.Equal(before, await Database.QueryAsync(Rows));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            List<int> kept = [1, 2];
            yield return Step.Run("list", async _ => kept).As(out var list);
            list.Result.Add(99);
            Assert.Equal(2, kept.Count);
            yield return Step.Run("join", async _ => string.Join(',', list.Result)).As(out var joined);
            yield return $"{string.Join(',', list.Result)} of {joined.Result}";
        }
    }

    [Fact]
    public async Task Input_stored_by_older_code_is_read_by_newer_code_and_bad_input_hurts_its_own_workflow_only()
    {
        var gate = new Probe();
        var old = Workflow.Define<OldInput, string>("evolving", Old);
        var other = Workflow.Define<OldInput, string>("incompatible", Old);
        var engine = await LaunchAsync(old, other);
        await engine.BeginAsync(old, new OldInput("name", 7), "A");
        await engine.BeginAsync(other, new OldInput("name", 7), "B");
        await gate.ReachedAsync();
        await gate.ReachedAsync();
        await engine.StopAsync(TimeSpan.Zero, Cancel);

        engine = await LaunchAsync(Workflow.Define<NewInput, string>("evolving", New), Workflow.Define<int, string>("incompatible", Never));

        Assert.Equal("name 3", await engine.Retrieve<string>("A").ResultAsync());
        var failure = await engine.Retrieve<string>("B").FailureAsync();
        Assert.True(failure.Is<SerializationFailedException>());
        Assert.Contains("'B'", failure.Message);

        async IAsyncEnumerable<StepOr<string>> Old(OldInput input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", s => gate.PassAsync(s));
            yield return input.Name;
        }

        async IAsyncEnumerable<StepOr<string>> New(NewInput input, WorkflowContext workflow)
        {
            yield return Step.Run("gate", _ => Task.CompletedTask);
            yield return $"{input.Name} {input.Added}";
        }

        static async IAsyncEnumerable<StepOr<string>> Never(int input, WorkflowContext workflow)
        {
            yield return "never";
        }
    }

    [Fact]
    public async Task Converters_of_the_user_are_used_for_input_results_and_output()
    {
        var options = new JsonSerializerOptions { Converters = { new CelsiusConverter() } };
        var workflow = Workflow.Define<Celsius, Celsius>("warmer", Body);
        var engine = await LaunchAsync(o => o.JsonOptions = options, workflow);
        var handle = await engine.StartAsync(workflow, new Celsius(20), new() { Id = "A", Format = PayloadFormat.PortableJson }, Cancel);

        Assert.Equal(new Celsius(21), await handle.ResultAsync());
        Assert.Equal("\"21C\"", await Database.ScalarAsync("SELECT output FROM workflow_output"));
        Assert.Equal("\"21C\"", Assert.Single((await engine.GetHistoryAsync("A", Cancel)).Checkpoints).Output);

        static async IAsyncEnumerable<StepOr<Celsius>> Body(Celsius input, WorkflowContext workflow)
        {
            yield return Step.Run("warm", async _ => new Celsius(input.Degrees + 1)).As(out var warm);
            yield return warm.Result;
        }
    }

    [Fact]
    public async Task A_source_generated_context_is_enough()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = OrderContext.Default };
        var workflow = Workflow.Define<OldInput, Pair<int, string>>("generated", Body);
        var engine = await LaunchAsync(o => o.JsonOptions = options, workflow);

        Assert.Equal(new Pair<int, string>(7, "name"), await engine.RunAsync(workflow, new OldInput("name", 7), "A"));

        static async IAsyncEnumerable<StepOr<Pair<int, string>>> Body(OldInput input, WorkflowContext workflow)
        {
            yield return Step.Run("pair", async _ => new Pair<int, string>(input.Gone, input.Name)).As(out var pair);
            yield return pair.Result;
        }
    }

    [Fact]
    public async Task A_type_that_the_only_context_does_not_know_is_refused_with_a_remedy()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = OrderContext.Default };
        var workflow = Workflow.Define<Celsius, int>("unknown", Body);
        var engine = await LaunchAsync(o => o.JsonOptions = options, workflow);

        var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.BeginAsync(workflow, new Celsius(1), "A"));

        Assert.Equal(typeof(Celsius).ToString(), refused.TypeName);
        Assert.Contains("context", refused.Message);
        Assert.Equal(0, await Database.CountAsync("SELECT count(*) FROM workflow_status"));

        static async IAsyncEnumerable<StepOr<int>> Body(Celsius input, WorkflowContext workflow)
        {
            yield return 1;
        }
    }

    // A workflow of one step that returns the value; its runs note what they saw.
    private void Add<T>(T value)
    {
        List<T> seen = [];
        var id = $"case {cases.Count}";
        var definition = Workflow.Define<T, T>(id, Body);
        cases.Add((
            definition,
            async engine => Assert.Equal(value, await engine.RunAsync(definition, value, id)),
            () => Assert.Equal([value, value], seen)));

        async IAsyncEnumerable<StepOr<T>> Body(T input, WorkflowContext workflow)
        {
            Assert.Equal(value, input);
            yield return Step.Run("value", async _ => value).As(out var step);
            seen.Add(step.Result);
            yield return StepOr.Result(step.Result);
        }
    }

    private async Task RunAllAsync()
    {
        WorkflowDefinition[] definitions = [.. cases.Select(one => one.Definition)];
        var engine = await LaunchAsync(definitions);
        foreach (var one in cases)
        {
            await one.Run(engine);
        }

        engine = await FlipAndRelaunchAsync(engine, definitions.Select(definition => definition.Name), definitions);
        foreach (var one in cases)
        {
            await one.Run(engine);
            one.Compare();
        }
    }

    [JsonPolymorphic]
    [JsonDerivedType(typeof(Square), "square")]
    [JsonDerivedType(typeof(Circle), "circle")]
    private abstract record Shape;

    private sealed record Square(int Side, string Colour) : Shape;

    private sealed record Circle : Shape
    {
        public required decimal Radius { get; init; }
    }

    private sealed record WithField
    {
        public int Value;
    }

    internal sealed record Pair<TFirst, TSecond>(TFirst First, TSecond Second);

    internal sealed record OldInput(string Name, int Gone);

    private sealed record NewInput(string Name, int Added = 3);

    private readonly record struct Celsius(int Degrees);

    private sealed class CelsiusConverter : JsonConverter<Celsius>
    {
        public override Celsius Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(int.Parse(reader.GetString()!.TrimEnd('C')));

        public override void Write(Utf8JsonWriter writer, Celsius value, JsonSerializerOptions options) =>
            writer.WriteStringValue($"{value.Degrees}C");
    }

    [JsonSerializable(typeof(OldInput))]
    [JsonSerializable(typeof(Pair<int, string>))]
    private sealed partial class OrderContext : JsonSerializerContext;
}
