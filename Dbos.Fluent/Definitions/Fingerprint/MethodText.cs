using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes the IL of the methods that belong to a workflow's own code as text.</summary>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2080", Justification = Reason)]
internal sealed class MethodText(StringBuilder text, MemberNames names)
{
    public const string Reason =
        "Code that stays has its IL, and what it refers to stays with it; where something is gone, the fingerprint is unknown.";

    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private const int CallVirtual = 0x6F;

    // Far above any workflow: code with so many parts is not one workflow's.
    private const int MembersMax = 10_000;

    private readonly Queue<MethodBase> unread = [];
    private readonly HashSet<long> ownMembers = [];
    private readonly HashSet<long> fieldsRead = [];
    private Type? receiver;

    /// <summary>Whether a method is part of the code.</summary>
    public bool IsIncluded(MethodBase method) => ownMembers.Contains(names.KeyOf(method));

    /// <summary>Whether the code reads a field.</summary>
    public bool HasRead(FieldInfo field) => fieldsRead.Contains(names.KeyOf(field));

    /// <summary>Includes a method in the code, and returns its name there.</summary>
    public string Include(MethodBase method)
    {
        var name = names.Own(method);
        if (ownMembers.Add(names.KeyOf(method)))
        {
            unread.Enqueue(method);
            if (method.DeclaringType is { } type && MemberNames.IsGenerated(type))
            {
                IncludeStateMachine(type);
            }
        }

        return name;
    }

    /// <summary>Writes each included method that has not been written yet.</summary>
    /// <param name="of">The type of the object that the code belongs to; null if there is none.</param>
    public void ReadIncluded(Type? of)
    {
        receiver = of;
        while (unread.TryDequeue(out var method))
        {
            if (ownMembers.Count > MembersMax)
            {
                throw new NotSupportedException("There is no end to this code.");
            }

            Line("code of " + names.Own(method));
            Read(method);
        }
    }

    private void Line(string line) => text.Append(line).Append('\n');

    // An async method or iterator only creates and starts a generated type, which holds its code.
    private void IncludeStateMachine(Type type)
    {
        if (ownMembers.Add(names.KeyOf(type))
            && (typeof(IAsyncStateMachine).IsAssignableFrom(type) || typeof(IEnumerator).IsAssignableFrom(type)))
        {
            Include(type.GetMethod(nameof(IAsyncStateMachine.MoveNext), All | BindingFlags.DeclaredOnly)
                ?? throw new NotSupportedException("A state machine without its code."));
        }
    }

    private void Read(MethodBase method)
    {
        var body = method.GetMethodBody() ?? throw new NotSupportedException($"The code of {method.Name} cannot be read.");
        var scope = new CodeScope(method);
        var il = new IlReader(body.GetILAsByteArray());
        while (il.Next())
        {
            text.Append(CultureInfo.InvariantCulture, $"{il.Code:x} ");
            text.Append(il.Kind switch
            {
                IlOperand.Literal => Convert.ToHexString(il.Operand),
                IlOperand.Text => '"' + scope.Text(il.Token) + '"',
                IlOperand.Member => Referred(Called(scope.Member(il.Token), il.Code), scope.Module),
                _ => "",
            }).Append('\n');
        }

        foreach (var clause in body.ExceptionHandlingClauses)
        {
            text.Append(CultureInfo.InvariantCulture, $"clause {(int)clause.Flags} {clause.TryOffset} {clause.TryLength} ");
            text.Append(CultureInfo.InvariantCulture, $"{clause.HandlerOffset} {clause.HandlerLength} ");
            Line(clause is { Flags: ExceptionHandlingClauseOptions.Clause, CatchType: { } caught } ? names.Of(caught) : "");
        }
    }

    // A call names the declared method. The receiver's type tells which override makes the steps.
    private MemberInfo Called(MemberInfo member, int operation)
    {
        if (receiver is null || operation != CallVirtual
            || member is not MethodInfo { IsVirtual: true, ReturnType: var type } called || !OwnCode.IsOfSteps(type))
        {
            return member;
        }

        var declared = names.KeyOf(called.GetBaseDefinition());
        var overrides = receiver.GetMethods(All).Where(method => method.IsVirtual && names.KeyOf(method.GetBaseDefinition()) == declared);
        return overrides.FirstOrDefault() ?? called;
    }

    private string Referred(MemberInfo member, Module by)
    {
        if (member.DeclaringType is { } declaring && MemberNames.IsGenerated(declaring))
        {
            IncludeStateMachine(declaring);
        }

        if (member is FieldInfo)
        {
            fieldsRead.Add(names.KeyOf(member));
        }

        return member switch
        {
            Type type => names.Of(type),
            FieldInfo field => names.Of(field),
            MethodBase method when OwnCode.Includes(method, by) => Include(method),
            MethodBase method => names.Of(method),
            _ => throw new NotSupportedException($"A token of kind {member.MemberType}."),
        };
    }
}
