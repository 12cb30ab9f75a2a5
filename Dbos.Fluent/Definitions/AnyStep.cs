using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Steps of which the first to finish counts; the result is its index.</summary>
internal sealed class AnyStep(IReadOnlyList<Step> members) : GroupStep<int>(BuiltInNames.Any, members), IAnyStep
{
    // As the user holds them: one descriptor may stand for several members, each of which has a result of its own.
    private readonly Step[] listed = [.. members];

    // One for the row that says which of them won.
    internal override int Slots => base.Slots + 1;

    // One that is decided has a row that says so, and keeps of its members what that says.
    internal override bool KeepStored(object run) => Succeeded || RecordedError is not null || base.KeepStored(run);

    public void ShowResultOf(int winner) => listed[winner].ShowOutcomeOf(Members[winner]);
}
