namespace Dbos.Fluent.Definitions;

/// <summary>Steps of which the first to finish counts; the result is its index.</summary>
internal sealed class AnyStep(IReadOnlyList<Step> members) : GroupStep<int>(BuiltInNames.Any, members), IAnyStep
{
    // One for the row that says which of them won.
    internal override int Slots => base.Slots + 1;
}
