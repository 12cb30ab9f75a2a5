namespace Dbos.Fluent.Definitions;

/// <summary>Marks a step that starts a child and awaits it.</summary>
internal interface ICallStep : IStartStep;
