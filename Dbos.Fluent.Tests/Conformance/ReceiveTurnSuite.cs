namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Several receives of one topic at once: the lower number takes the earlier message, and none ends empty before a look.</summary>
public abstract class ReceiveTurnSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly ManualTimeProvider time = new();
    private readonly Probe slow = new();

    // The second in line must not end with nothing while the first still takes its message, or although the first may wait longer.
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 2)]
    [InlineData(true, 9_999)]
    [InlineData(false, 9_999)]
    public async Task Receives_whose_time_was_over_while_nobody_ran_take_what_came_in_time(bool leavesMemory, int hoursOfFirst)
    {
        ResultOf<Optional<string>> first = null!, second = null!, third = null!;
        var workflow = Workflow.Define<Unit, string>("receiving")
            .Parallel(
                ("first", b => b.Receive<string>("t", Hour * hoursOfFirst).As(out first)),
                ("second", b => b.Receive<string>("t", Hour).As(out second)),
                ("third", b => b.Receive<string>("t", Hour).As(out third)))
            .Return(x => string.Join(' ', new[] { first, second, third }.Select(step => x.Get(step).ValueOr("none"))));
        var engine = await LaunchAsync(leavesMemory, workflow);
        await engine.BeginAsync(workflow, default, "A");
        await Eventually.TrueAsync(
            async () => await Database.CountAsync("SELECT count(*) FROM operation_outputs WHERE function_name = 'DBOS.sleep'") == 3,
            Bounded.Limit,
            "all have begun");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await using (var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.TimeProvider = time;
            },
            Cancel))
        {
            await client.SendAsync("A", "one", "t", cancellationToken: Cancel);
            time.Advance(TimeSpan.FromMinutes(1));
            await client.SendAsync("A", "two", "t", cancellationToken: Cancel);
        }

        time.Advance(Hour * 2);
        engine = await LaunchAsync(leavesMemory, workflow);

        Assert.Equal("one two none", await engine.ResultAsync<string>("A"));
        Assert.Equal((2, 0), (await Database.MessagesAsync(), await Database.UnreadAsync()));
    }

    [Theory]
    [InlineData(0, "late none")]
    [InlineData(1, "m1 none")]
    [InlineData(2, "m1 m2")]
    public async Task A_receive_that_does_not_wait_gets_what_the_first_leaves(int sent, string expected)
    {
        ResultOf<string> first = null!;
        ResultOf<Optional<string>> second = null!;
        var workflow = Workflow.Define<Unit, string>("receiving")
            .Step("before", x => slow.PassAsync(x.CancellationToken))
            .Parallel(
                ("first", b => b.Receive<string>("t").As(out first)),
                ("second", b => b.Receive<string>("t", TimeSpan.Zero).As(out second)))
            .Return(x => $"{x.Get(first)} {x.Get(second).ValueOr("none")}");
        var engine = await LaunchAsync(workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await slow.ReachedAsync();
        for (var number = 1; number <= sent; number++)
        {
            await engine.SendAsync("A", $"m{number}", "t", cancellationToken: Cancel);
        }

        slow.Open();
        if (sent == 0)
        {
            await Eventually.TrueAsync(() => Database.HasStepAsync("A", 2), Bounded.Limit, "the second has ended");
            await engine.SendAsync("A", "late", "t", cancellationToken: Cancel);
        }

        Assert.Equal(expected, await handle.ResultAsync());
    }

    [Fact]
    public async Task A_receive_that_begins_later_with_a_lower_number_takes_the_earlier_message()
    {
        ResultOf<Optional<string>> lower = null!, higher = null!;
        var workflow = Workflow.Define<Unit, string>("receiving")
            .Parallel(
                ("lower", b => b.Step("slow", x => slow.PassAsync(x.CancellationToken)).Receive<string>("t", Hour).As(out lower)),
                ("higher", b => b.Step("quick", _ => Task.CompletedTask).Receive<string>("t", Hour).As(out higher)))
            .Return(x => $"{x.Get(lower).Value} {x.Get(higher).Value}");
        var engine = await LaunchAsync(leavesMemory: false, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await slow.ReachedAsync();
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 5), Bounded.Limit, "the higher waits");
        slow.Open();
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 4), Bounded.Limit, "the lower waits too");

        await engine.SendAsync("A", "one", "t", cancellationToken: Cancel);
        await Eventually.TrueAsync(() => Database.HasStepAsync("A", 2), Bounded.Limit, "the lower has its message");
        await engine.SendAsync("A", "two", "t", cancellationToken: Cancel);

        Assert.Equal("one two", await handle.ResultAsync());
    }

    private Task<WorkflowEngine> LaunchAsync(bool leavesMemory, params WorkflowDefinition[] definitions) => LaunchAsync(
        options => (options.TimeProvider, options.UnloadAfter) = (time, leavesMemory ? TimeSpan.Zero : Timeout.InfiniteTimeSpan),
        definitions);
}
