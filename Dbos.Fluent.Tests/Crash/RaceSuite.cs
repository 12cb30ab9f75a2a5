using System.Globalization;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Crash;

/// <summary>The same thing done at once by several processes or engines: one of them does it.</summary>
public abstract class RaceSuite(IDatabaseFixture fixture) : CrashSuite(fixture)
{
    private const int StartCount = 1000;

    [Fact]
    public async Task A_thousand_ids_started_by_two_processes_at_once_run_once_each()
    {
        var workers = new[] { StartRace(), StartRace() };
        foreach (var worker in workers)
        {
            await worker.ReachedAsync("race");
        }

        await Task.WhenAll(workers.Select(worker => worker.GoOnAsync("race")));
        var results = new List<string[]>();
        foreach (var worker in workers)
        {
            results.Add((await worker.ReachedAsync("done")).Split(';'));
        }

        Assert.Equal(results[0], results[1]);
        Assert.Equal(StartCount, await Database.SucceededAsync());
        Assert.Equal(StartCount, await Database.CountAsync("SELECT count(*) FROM operation_outputs"));
        var effects = Ledger.Read();
        Assert.Equal((StartCount, StartCount), (effects.Count, effects.Values.Sum()));
        TestContext.Current.TestOutputHelper?.WriteLine(
            "by process: " + string.Join(", ", results[0].CountBy(owner => owner).Select(owner => $"{owner.Key}: {owner.Value}")));
        Assert.InRange(results[0].Distinct().Count(), 1, 2);

        ChildProcess StartRace() => StartWorker(
            "race",
            ["race"],
            ("workflow", Workflows.Child.Name),
            ("input", "0"),
            ("prefix", "w"),
            ("count", StartCount.ToString(CultureInfo.InvariantCulture)),
            ("parallel", "16"));
    }

    [Fact]
    public async Task Two_engines_that_recover_the_same_workflows_run_each_once()
    {
        const int count = 200;
        var first = await LaunchSuccessorAsync();
        var handles = new List<WorkflowHandle<int>>();
        for (var number = 0; number < count; number++)
        {
            handles.Add(await first.StartAsync(Workflows.Chain, 2, new() { Id = $"w{number}" }, Cancel));
        }

        await Task.WhenAll(handles.Select(handle => handle.GetResultAsync(Cancel))).Within(Bounded.Limit);
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync("DELETE FROM operation_outputs WHERE function_id = 1");
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET status = 'PENDING', owner_xid = 'lost', executor_id = 'dead', completed_at = NULL");

        var engines = await Task.WhenAll(LaunchDeadAsync(), LaunchDeadAsync());
        await Task.WhenAll(handles.Select(handle => engines[0].Retrieve<int>(handle.Id).GetResultAsync(Cancel))).Within(Bounded.Limit);

        Assert.Equal(count, await Database.SucceededAsync(attempts: 2));
        var effects = Ledger.Read();
        Assert.All(effects, effect => Assert.Equal(effect.Key.Step == "0" ? 1 : 2, effect.Value));

        Task<WorkflowEngine> LaunchDeadAsync() => LaunchSuccessorAsync(options => options.Lease = TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Workflows_that_wait_for_messages_and_that_two_engines_recover_at_once_take_each_message_once()
    {
        const int count = 50;
        string[] ids = [.. Enumerable.Range(0, count).Select(number => $"w{number}")];
        var first = await LaunchSuccessorAsync();
        await Task.WhenAll(ids.Select(id => first.StartAsync(Workflows.Receiving, 0, new() { Id = id }, Cancel))).Within(Bounded.Limit);
        await Eventually.TrueAsync(() => first.Core.Wakeups.Inboxes.Count == count, Bounded.Limit, "all wait");
        await first.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await Database.ExecuteAsync(
            "UPDATE workflow_status "
            + "SET status = 'PENDING', owner_xid = 'lost', executor_id = 'dead', recovery_attempts = 1, updated_at = 1");
        foreach (var id in ids)
        {
            await Database.InsertMessageAsync(id, "\"first\"", "t");
        }

        var (looks, claims) = (new Meeting(2), new Meeting(2));
        var engines = await Task.WhenAll(LaunchMeetingAsync(looks, claims), LaunchMeetingAsync(looks, claims));
        await claims.AllAreHere.Within(Bounded.Limit);
        await engines[0].SendManyAsync(ids.Select(id => (id, "second", (string?)"t", (string?)null)), cancellationToken: Cancel);
        var results = await Task.WhenAll(ids.Select(id => engines[1].Retrieve<string>(id).GetResultAsync(Cancel))).Within(Bounded.Limit);

        Assert.All(results, result => Assert.Equal("first second", result));
        Assert.Equal(count, await Database.SucceededAsync(attempts: 2));
        Assert.Equal(count, await Database.WorkflowsAsync());
        foreach (var id in ids)
        {
            Assert.Equal(["one", "DBOS.recv", "DBOS.recv", "two"], await CheckpointsAsync(id));
            Assert.Equal((1, 1), (Ledger.Count(id, "one"), Ledger.Count(id, "two")));
        }

        Assert.Equal((2 * count, 0), (await Database.MessagesAsync(), await Database.UnreadAsync()));
        Assert.Equal(
            2 * count,
            await Database.CountAsync(
                "SELECT count(*) FROM (SELECT DISTINCT destination_uuid, consumed_by_function_id FROM notifications) AS taken"));
    }

    [Fact]
    public async Task An_executor_id_that_a_living_engine_renews_is_refused()
    {
        await LaunchAsync(options => options.Lease = TimeSpan.FromSeconds(6));

        var refused = await Assert.ThrowsAsync<ExecutorIdInUseException>(() => LaunchAsync());

        Assert.Equal(Executor, refused.ExecutorId);
    }

    // Both look for work of the dead for the first time at the same moment, and then claim what they have found at the same moment.
    private Task<WorkflowEngine> LaunchMeetingAsync(Meeting looks, Meeting claims)
    {
        var (looked, claimed) = (0, 0);
        var faults = new CallFaults { Before = MeetAsync };
        return LaunchSuccessorAsync(options =>
        {
            options.Lease = TimeSpan.FromSeconds(3);
            options.WrapStore = store => new FaultingStore(store, faults);
        });

        Task MeetAsync(StoreCall call, CancellationToken token) => call.Kind switch
        {
            StoreCallKind.HandOnOrphans => MeetOnceAsync(looks, ref looked, token),
            StoreCallKind.Claim when Volatile.Read(ref looked) > 0 => MeetOnceAsync(claims, ref claimed, token),
            _ => Task.CompletedTask,
        };

        static Task MeetOnceAsync(Meeting meeting, ref int times, CancellationToken token)
        {
            if (Interlocked.Increment(ref times) > 1)
            {
                return Task.CompletedTask;
            }

            meeting.Arrive();
            return meeting.AllAreHere.WaitAsync(token);
        }
    }

    [Fact]
    public async Task An_executor_id_whose_holder_fell_silent_is_taken_over_when_its_lease_has_ended()
    {
        var worker = StartRun(Workflows.Steps, 0, ["inside two"], ("executor", Executor), ("lease", "1500"));
        await worker.ReachedAsync("inside two");
        await Database.PauseAsync(worker);

        var engine = await LaunchAsync(Workflows.All);
        var result = await engine.Retrieve<string>("w1").GetResultAsync(Cancel).Within(Bounded.Limit);
        await worker.GoOnAsync("inside two");
        await worker.ContinueAsync();

        Assert.Equal(result, await worker.ReachedAsync("done"));
        await SucceededAsync("w1", attempts: 2);
    }
}
