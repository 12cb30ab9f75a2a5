using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>An outcome that brings the checkpoint of the last step with it: both are written, or none.</summary>
public abstract class LastStepStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task Both_are_stored_whole()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var last = new CheckpointRow(4, "send 'mail'", 123, 456) { Output = "out \U0001F4E7", Format = A.Portable };

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, A.Outcome(owner) with { Last = last }));

        await HasStepAsync(bed, "w", last);
        HasColumns(await bed.RowAsync("w"), ("status", "SUCCESS"), ("owner_xid", null));
        HasColumns(await bed.RowAsync("w", "workflow_output"), ("output", "the output"));
        HasColumns(await bed.RowAsync("w", "operation_outputs"), ("application_name", A.Application));
    }

    [Fact]
    public async Task Outcomes_with_and_without_one_are_written_together()
    {
        await using var bed = await Fixture.CreateAsync();
        var one = await RunningAsync(bed, "one");
        var other = await RunningAsync(bed, "other");
        var bare = await RunningAsync(bed, "bare");

        var statuses = await StatusesAsync(
            bed.Store,
            A.Outcome(other) with { Last = A.Checkpoint(7, "seventh") },
            A.Outcome(bare, WorkflowState.Error),
            A.Outcome(one) with { Last = A.Checkpoint(3, "third") },
            A.Outcome(new Ownership("unknown", "any")) with { Last = A.Checkpoint(9) });

        Assert.Equal([CommitStatus.Written, CommitStatus.Written, CommitStatus.Written, CommitStatus.NotOwned], statuses);
        await HasStepAsync(bed, "one", A.Checkpoint(3, "third"));
        await HasStepAsync(bed, "other", A.Checkpoint(7, "seventh"));
        Assert.Equal(2, await bed.CountAsync("operation_outputs"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Neither_is_written_for_who_no_longer_owns_the_workflow(bool cancelled)
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        if (cancelled)
        {
            await bed.Store.Workflows.CancelAsync(["w"], false, A.CancelError, Cancel);
        }
        else
        {
            owner = owner with { Token = "stale" };
        }

        var before = await bed.DumpAsync();
        var alone = await CommitAsync(bed.Store, A.Outcome(owner) with { Last = A.Checkpoint(0) });
        var apart = await bed.Store.Commits.CommitWaitingAsync(A.Outcome(owner) with { Last = A.Checkpoint(0) }, Cancel);

        Assert.Equal((CommitResult.NotOwned, CommitResult.NotOwned), (alone, apart));
        Assert.Equal(before, await bed.DumpAsync());
    }

    [Fact]
    public async Task Repeating_after_a_lost_answer_is_recognised()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var unit = A.Outcome(owner) with { Last = A.Checkpoint(2) };
        await CommitAsync(bed.Store, unit);
        var before = await bed.DumpAsync();

        Assert.Equal(CommitResult.Written, await CommitAsync(bed.Store, unit));
        Assert.Equal([CommitStatus.Written, CommitStatus.NotOwned], await StatusesAsync(
            bed.Store, unit, A.Outcome(new Ownership("unknown", "any"))));

        Assert.Equal(before, await bed.DumpAsync());
    }

    private static async Task HasStepAsync(StoreBed bed, string id, CheckpointRow row) =>
        Assert.Equal(row, Assert.Single((await bed.Store.Workflows.ReadHistoryAsync(id, Cancel))!.Value.Checkpoints));
}
