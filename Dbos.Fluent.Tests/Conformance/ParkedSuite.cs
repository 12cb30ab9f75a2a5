using Dbos.Fluent.Tests.Worker.Faults;
using static Dbos.Fluent.Tests.Conformance.Parkable;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What becomes of a workflow that has left memory: who takes it up, and how it ends without its wait.</summary>
public abstract class ParkedSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(30);

    private readonly ManualTimeProvider time = new();
    private readonly Counts counts = new();

    [Fact]
    public async Task Another_engine_takes_up_what_a_stopped_one_has_parked()
    {
        var workflow = Receiving();
        var first = await LaunchAsync(options => options.UnloadAfter = Soon, workflow);
        await first.BeginAsync(workflow, default, "A");
        await ParkedAsync(first, "A");
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var second = await LaunchAsync(options => options.ExecutorId = "second", workflow);

        await second.SendAsync("A", 7, "t", cancellationToken: Cancel);

        Assert.Equal(7, await second.ResultAsync<int>("A"));
        Assert.Equal("second", (await second.GetStatusAsync("A", Cancel))!.ExecutorId);
    }

    [Fact]
    public async Task What_a_lost_signal_left_is_found_by_the_covering_poll()
    {
        var workflow = Receiving();
        var engine = await LaunchAsync(
            options => (options.UnloadAfter, options.PollInterval) = (Soon, TimeSpan.FromMilliseconds(300)), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");
        await Database.SilenceMessagesAsync();

        await Database.ExecuteAsync(
            "INSERT INTO notifications (message_uuid, destination_uuid, topic, message, created_at_epoch_ms, serialization) "
            + "VALUES ('m', 'A', 't', '7', 1, 'portable_json')");

        Assert.Equal(7, await handle.ResultAsync());
    }

    [Fact]
    public async Task A_signal_that_comes_during_a_look_at_all_does_not_wait_for_its_end()
    {
        var workflow = Receiving();
        var first = await LaunchAsync(options => options.UnloadAfter = Soon, workflow);
        await first.BeginAsync(workflow, default, "A");
        await ParkedAsync(first, "A");
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await ParkManyAsync(2500);
        var (looks, second, third) = (0, new Probe(), new Probe());
        var faults = new CallFaults { Before = HoldAsync };
        var engine = await LaunchAsync(options => options.WrapStore = store => new FaultingStore(store, faults), workflow);
        await second.ReachedAsync();

        await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);
        second.Open();

        Assert.Equal(7, await engine.ResultAsync<int>("A"));
        await third.ReachedAsync();
        third.Open();

        Task HoldAsync(StoreCall call, CancellationToken token) =>
            call.Parked is not Storage.ParkedScope.Page ? Task.CompletedTask : Interlocked.Increment(ref looks) switch
            {
                2 => second.PassAsync(token),
                3 => third.PassAsync(token),
                _ => Task.CompletedTask,
            };
    }

    [Fact]
    public async Task An_engine_of_another_application_leaves_parked_workflows_alone()
    {
        var workflow = Sleeping(counts, TimeSpan.FromDays(1));
        var engine = await LaunchAsync(options => options.TimeProvider = time, workflow);
        await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        var other = await LaunchAsync(
            options => (options.TimeProvider, options.ApplicationName, options.ExecutorId) = (time, "others", "other"), workflow);
        time.Advance(TimeSpan.FromDays(2));
        var handle = await other.BeginAsync(workflow, default, "B");
        await ParkedAsync(other, "B");
        time.Advance(TimeSpan.FromDays(2));
        await handle.ResultAsync();

        Assert.True((await other.GetStatusAsync("A", Cancel))!.Parked);
    }

    [Fact]
    public async Task A_parked_workflow_is_cancelled_and_resumed()
    {
        var workflow = Receiving();
        var engine = await LaunchAsync(options => options.UnloadAfter = Soon, workflow);
        var handle = await engine.BeginAsync(workflow, default, "A");
        await ParkedAsync(engine, "A");

        await engine.CancelAsync("A", cancellationToken: Cancel);
        Assert.Equal(CancellationReason.Cancelled, await handle.CancellationAsync());
        await engine.SendAsync("A", 7, "t", cancellationToken: Cancel);
        Assert.Equal(WorkflowState.Cancelled, await engine.StateOfAsync("A"));
        await engine.ResumeAsync("A", cancellationToken: Cancel);

        Assert.Equal(7, await engine.ResultAsync<int>("A"));
    }

    [Fact]
    public async Task A_deadline_ends_a_parked_workflow()
    {
        var workflow = Receiving();
        var engine = await LaunchAsync(options => (options.TimeProvider, options.UnloadAfter) = (time, Soon), workflow);
        var handle = await engine.BeginAsync(workflow, default, "A", timeout: TimeSpan.FromHours(1));
        await ParkedAsync(engine, "A");

        time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(CancellationReason.DeadlineExceeded, await handle.CancellationAsync());
    }

    /// <summary>Workflows that wait for a message each, behind those of the test by their ids.</summary>
    private async Task ParkManyAsync(int count)
    {
        var numbers = $"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})";
        await Database.ExecuteAsync(
            $"""
            {numbers}
            INSERT INTO workflow_status (
                workflow_uuid, status, name, application_name, application_version, queue_name, created_at, updated_at)
            SELECT 'w' || n, 'DELAYED', 'receiving', 'tests', 'v1', '_dbos_internal_queue', 1, 1 FROM numbers;
            {numbers}
            INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token)
            SELECT 'w' || n, 0, 0, 'message', 'w' || n || '::t', 'w' || n, 't', NULL, 'token' FROM numbers;
            """);
    }
}
