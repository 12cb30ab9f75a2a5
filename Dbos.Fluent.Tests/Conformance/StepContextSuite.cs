namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What the body of a step is given. Scenario SR-05.</summary>
public abstract class StepContextSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    [Fact]
    public async Task An_attempt_knows_its_number_its_place_and_its_key()
    {
        List<string> seen = [];
        var workflow = Workflow.Define<Unit>("attempts", Body);
        var engine = await LaunchAsync(workflow);

        await engine.RunAsync(workflow, default, "A");

        Assert.Equal(
            [
                "first: 1 of 1, A 0, A:0",
                "second: 1 of 3, A 1, A:1",
                "second: 2 of 3, A 1, A:1",
                "second: 3 of 3, A 1, A:1",
            ],
            seen);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("first", async s => seen.Add(Facts("first", s)));
            yield return Step.Run("second", async s =>
            {
                seen.Add(Facts("second", s));
                return s.Attempt == s.MaxAttempts ? s.Attempt : throw new InvalidOperationException("again");
            }).Retry(delay: TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task The_key_is_the_same_after_a_recovery()
    {
        List<string> keys = [];
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("key", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        gate.Open();
        engine = await LaunchAsync(workflow);
        await engine.Retrieve<Unit>("A").ResultAsync();

        Assert.Equal(["A:1", "A:1"], keys);

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("before", _ => Task.CompletedTask);
            yield return Step.Run("interrupted", async s =>
            {
                keys.Add(s.IdempotencyKey);
                await gate.PassAsync(s);
            });
        }
    }

    [Fact]
    public async Task Members_of_a_group_have_keys_of_their_own()
    {
        var workflow = Workflow.Define<Unit, string>("group", Body);
        var engine = await LaunchAsync(workflow);

        Assert.Equal("A:0 A:1 A:2", await engine.RunAsync(workflow, default, "A"));

        static async IAsyncEnumerable<StepOr<string>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.All(Enumerable.Range(0, 3).Select(_ => Step.Run("member", async s => s.IdempotencyKey))).As(out var keys);
            yield return string.Join(' ', keys.Result);
        }
    }

    [Fact]
    public async Task It_stands_for_its_token()
    {
        var workflow = Workflow.Define<Unit, bool>("token", Body);
        var engine = await LaunchAsync(workflow);

        Assert.True(await engine.RunAsync(workflow, default, "A"));

        static async IAsyncEnumerable<StepOr<bool>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", s => SameAsync(s, s.CancellationToken)).As(out var same);
            yield return same.Result;
        }

        static Task<bool> SameAsync(CancellationToken converted, CancellationToken token) =>
            Task.FromResult(converted == token && token.CanBeCanceled && !token.IsCancellationRequested);
    }

    [Fact]
    public async Task Services_are_those_given_to_the_engine()
    {
        var workflow = Workflow.Define<Unit, string?>("services", Body);
        var with = await LaunchAsync(options => options.Services = new OneService("the service"), workflow);
        Assert.Equal("the service", await with.RunAsync(workflow, default, "with"));
        await with.StopAsync(TimeSpan.Zero, Cancel);

        var without = await LaunchAsync(workflow);
        Assert.Null(await without.RunAsync(workflow, default, "without"));

        static async IAsyncEnumerable<StepOr<string?>> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", s => Task.FromResult((string?)s.Services.GetService(typeof(string)))).As(out var service);
            yield return service.Result;
        }
    }

    [Fact]
    public async Task A_shutdown_fires_the_token_with_its_reason_and_records_nothing()
    {
        var reason = new TaskCompletionSource<CancellationReason>();
        var gate = new Probe();
        var workflow = Workflow.Define<Unit>("shutdown", Body);
        var engine = await LaunchAsync(workflow);
        await engine.BeginAsync(workflow, default, "A");
        await gate.ReachedAsync();

        await engine.StopAsync(TimeSpan.FromMinutes(1), Cancel).Within(Bounded.Limit);

        Assert.Equal(CancellationReason.Shutdown, await reason.Task.Within(Bounded.Limit));
        Assert.Equal(0, await CheckpointCountAsync("A"));
        Assert.Contains(await Database.ScalarAsync("SELECT status FROM workflow_status"), new[] { "PENDING", "ENQUEUED" });

        gate.Open();
        engine = await LaunchAsync(workflow);
        await engine.Retrieve<Unit>("A").ResultAsync();

        async IAsyncEnumerable<Step> Body(Unit input, WorkflowContext workflow)
        {
            yield return Step.Run("step", async s =>
            {
                try
                {
                    await gate.PassAsync(s);
                }
                catch (OperationCanceledException)
                {
                    reason.TrySetResult(s.CancellationReason);
                    throw;
                }
            });
        }
    }

    private static string Facts(string name, StepContext s) =>
        $"{name}: {s.Attempt} of {s.MaxAttempts}, {s.WorkflowId} {s.Sequence}, {s.IdempotencyKey}";

    private sealed class OneService(string service) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(string) ? service : null;
    }
}
