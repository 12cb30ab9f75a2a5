using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Examples of what a store is asked, each complete; a test changes what it is about.</summary>
internal static class A
{
    public const string Name = "checkout";
    public const string Application = "shop";
    public const string OtherApplication = "warehouse";
    public const string Version = "v1";
    public const string ExecutorId = "executor-1";
    public const string Queue = "line";
    public const string Native = "dotnet_msgpack";
    public const string Portable = "portable_json";
    public const string InternalQueue = "_dbos_internal_queue";

    public static readonly CancelError CancelError = new("native reason", "\"portable reason\"");

    /// <summary>A workflow that this executor starts and runs at once.</summary>
    public static WorkflowInsert Direct(string id) => new()
    {
        Id = id,
        Name = Name,
        State = WorkflowState.Pending,
        Token = "token of " + id,
        Input = new Payload("input of " + id, Native),
        ExecutorId = ExecutorId,
        ApplicationName = Application,
        ApplicationVersion = Version,
    };

    /// <summary>A workflow that waits in a queue.</summary>
    public static WorkflowInsert Enqueued(string id) =>
        Direct(id) with { State = WorkflowState.Enqueued, Queue = Queue, ExecutorId = null, Token = "creator of " + id };

    public static StartUnit Start(WorkflowInsert row) => new(row);

    /// <summary>A child that a running workflow starts as its given step.</summary>
    public static StartUnit Child(Ownership parent, int sequence, WorkflowInsert row) =>
        new(
            row with { ParentId = parent.WorkflowId },
            parent,
            Checkpoint(sequence, row.Name) with { Output = null, Format = null, ChildId = row.Id });

    public static CheckpointRow Checkpoint(int sequence, string name = "step") =>
        new(sequence, name, 1_000 + sequence, 2_000 + sequence) { Output = $"output of {sequence}", Format = Native };

    public static CheckpointUnit Checkpoints(Ownership owner, params int[] sequences) =>
        new(owner, [.. sequences.Select(sequence => Checkpoint(sequence))]);

    public static OutcomeUnit Outcome(Ownership owner, WorkflowState state = WorkflowState.Success) => state == WorkflowState.Success
        ? new OutcomeUnit(owner, state, "the output", null)
        : new OutcomeUnit(owner, state, null, "the error");

    public static ClaimRequest Claim(string token, int limit = 100) => new()
    {
        Token = token,
        ExecutorId = ExecutorId,
        ApplicationName = Application,
        ApplicationVersion = Version,
        WorkflowNames = [Name],
        Queues = [Queue, InternalQueue],
        Limit = limit,
    };

    public static ExecutorRegistration Executor(string executorId = ExecutorId, string incarnation = "first launch") =>
        new(
            executorId,
            incarnation,
            Application,
            Version,
            new HostProcess("machine", "boot", "pid:[1]", 4711, 123_456_789),
            TimeSpan.FromHours(1));

    public static HandOnRequest HandOn(params string[] executorIds) => new()
    {
        ApplicationName = Application,
        WorkflowNames = [Name],
        ExecutorIds = executorIds,
        Limit = 100,
    };
}
