namespace Dbos.Fluent.Definitions;

/// <summary>A <see cref="ResultOf{T}"/> of any type.</summary>
internal interface IResultName
{
    StepKey Key { get; }
}
